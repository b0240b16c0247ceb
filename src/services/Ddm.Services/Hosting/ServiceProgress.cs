using Ddm.Runs;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>What handlers tell, in a service beside the store.</summary>
internal sealed class ServiceProgress(RunEvents events, RunRepository runs, RoleAges ages, ILogger<ServiceProgress> log) : LoggedProgress<string>(runs, log)
{
    /// <inheritdoc/>
    public override void Observed(RunDocument document, RunObservation seen) => ages.Note(document, seen);

    /// <inheritdoc/>
    public override void Ended(RunDocument document)
        => log.LogInformation("Run {Run} ended: {Status} {Failure}", document.Name, document.Status, document.Failure);

    /// <inheritdoc/>
    protected override string PlaceOf(string run) => run;

    /// <inheritdoc/>
    protected override Task KeepAsync(string place, string message, CancellationToken cancellationToken)
        => events.AddAsync(place, RunEvent.Notice, message, cancellationToken);
}
