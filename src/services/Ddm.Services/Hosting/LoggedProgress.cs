using System.Threading.Channels;
using Ddm.Runs;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>What handlers tell, in a process without a terminal: into the log, the metrics, and notices into the events of their run. Never in the way of the work.</summary>
/// <typeparam name="TPlace">Where a notice belongs, taken down when it is told.</typeparam>
internal abstract class LoggedProgress<TPlace>(RunRepository runs, ILogger log) : BackgroundService, IHostedLifecycleService, IRunProgress
{
    private const int Most = 1000;
    private static readonly TimeSpan LongestGoodbye = TimeSpan.FromSeconds(2);

    private readonly Channel<(TPlace Place, string Message)> notices =
        Channel.CreateBounded<(TPlace, string)>(new BoundedChannelOptions(Most) { FullMode = BoundedChannelFullMode.DropWrite });

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
        if (RunScope.Current is { } run)
        {
            notices.Writer.TryWrite((PlaceOf(run), message));
        }
    }

    /// <inheritdoc/>
    public virtual void Observed(RunDocument document, RunObservation seen)
    {
        // who looks at runs overrides it
    }

    /// <inheritdoc/>
    public abstract void Ended(RunDocument document);

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Nothing yet: the work that stops at the same time still tells.</summary>
    public override Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Keeps what was told to the last, unless whoever keeps it is away.</summary>
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        notices.Writer.TryComplete();
        if (ExecuteTask is { } writing)
        {
            await writing.WaitAsync(LongestGoodbye, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await base.StopAsync(cancellationToken);
    }

    /// <summary>Where a notice of <paramref name="run"/> belongs that is told now.</summary>
    protected abstract TPlace PlaceOf(string run);

    /// <summary>Puts a notice among the run's events.</summary>
    protected abstract Task KeepAsync(TPlace place, string message, CancellationToken cancellationToken);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        DdmTelemetry.Announce();
        await using var stopping = stoppingToken.Register(() => notices.Writer.TryComplete());
        await foreach (var (place, message) in notices.Reader.ReadAllAsync(CancellationToken.None))
        {
            try
            {
                await KeepAsync(place, message, stoppingToken);
            }
            catch (Exception e)
            {
                log.LogDebug("A notice was not kept among its run's events: {Reason}", e.Message); // it is in the log, and must not end the process
            }
        }
    }
}
