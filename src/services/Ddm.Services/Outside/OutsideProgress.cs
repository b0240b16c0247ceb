using System.Threading.Channels;
using Ddm.Runs;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>What the handler tells, in a worker outside: into the log, the metrics, and notices by the control plane into the events of their run. Never in the way of the work.</summary>
internal sealed class OutsideProgress(ServerConnection server, OutsideSession session, RunRepository runs, ILogger<OutsideProgress> log) : BackgroundService, IRunProgress
{
    private const int Most = 100;

    private readonly Channel<(OutsideClaim Claim, string Message)> notices =
        Channel.CreateBounded<(OutsideClaim, string)>(new BoundedChannelOptions(Most) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <inheritdoc/>
    public void Stage(RunStage stage, int done, int total) => log.LogDebug("Run {Run}: stage {Stage}, {Done} of {Total}", RunScope.Current, stage, done, total);

    /// <inheritdoc/>
    public void Training(TrainingProgress progress)
    {
        DdmTelemetry.Record(progress, RunScope.Current is { } run ? runs.LastSeen(run) : null);
        if (!progress.Active)
        {
            log.LogInformation("Run {Run}: {Role} stands at step {Step} of {Target}", RunScope.Current, progress.Role, progress.Step, progress.Target);
        }
    }

    /// <inheritdoc/>
    public void Notice(string message)
    {
        log.LogWarning("Run {Run}: {Message}", RunScope.Current, message);
        if (RunScope.Current is not null)
        {
            notices.Writer.TryWrite((session.Current, message));
        }
    }

    /// <summary>A worker outside ends no run: what it cannot go on with is told and left to another.</summary>
    public void Ended(RunDocument document) => Notice($"this worker gives its slice up: {document.Failure}");

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        notices.Writer.TryComplete();
        await base.StopAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        DdmTelemetry.Announce();
        await foreach (var (claim, message) in notices.Reader.ReadAllAsync(CancellationToken.None))
        {
            try
            {
                await server.TellAsync("/events", new EventBody(claim, RunEvent.Notice, message), ServerConnection.Once, OutsidePatience.Brief, stoppingToken);
            }
            catch (Exception e) when (Faults.MayPass(e) || e is UserErrorException)
            {
                // it is in the log all the same
            }
        }
    }
}
