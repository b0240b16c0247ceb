using Ddm.Runs;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>What the handler tells, in a worker outside: the control plane keeps its notices.</summary>
internal sealed class OutsideProgress(ServerConnection server, OutsideSession session, RunRepository runs, ILogger<OutsideProgress> log)
    : LoggedProgress<OutsideClaim>(runs, log)
{
    /// <summary>A worker outside ends no run: what it cannot go on with is told and left to another.</summary>
    public override void Ended(RunDocument document) => Notice($"this worker gives its slice up: {document.Failure}");

    /// <inheritdoc/>
    protected override OutsideClaim PlaceOf(string run) => session.Current;

    /// <inheritdoc/>
    protected override Task KeepAsync(OutsideClaim place, string message, CancellationToken cancellationToken)
        => server.TellAsync("/events", new EventBody(place, RunEvent.Notice, message), ServerConnection.Once, OutsidePatience.Brief, cancellationToken);
}
