using System.Threading.Channels;
using Ddm.Runs;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>What handlers tell, in a service: into the log, the metrics, and notices into the events of their run. Never in the way of the work.</summary>
internal sealed class ServiceProgress(RunEvents events, RunRepository runs, RoleAges ages, ILogger<ServiceProgress> log) : BackgroundService, IHostedLifecycleService, IRunProgress
{
    private const int Most = 1000;
    private static readonly TimeSpan LongestGoodbye = TimeSpan.FromSeconds(2);

    private readonly Channel<(string Run, string Message)> notices =
        Channel.CreateBounded<(string, string)>(new BoundedChannelOptions(Most) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <inheritdoc/>
    public void Stage(RunStage stage, int done, int total) => log.LogDebug("Run {Run}: stage {Stage}, {Done} of {Total}", RunScope.Current, stage, done, total);

    /// <inheritdoc/>
    public void Observed(RunDocument document, RunObservation seen) => ages.Note(document, seen);

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
            notices.Writer.TryWrite((run, message));
        }
    }

    /// <inheritdoc/>
    public void Ended(RunDocument document)
        => log.LogInformation("Run {Run} ended: {Status} {Failure}", document.Name, document.Status, document.Failure);

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Nothing yet: the consumers that stop at the same time still tell.</summary>
    public override Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Keeps what was told to the last, unless the store is away.</summary>
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        notices.Writer.TryComplete();
        if (ExecuteTask is { } writing)
        {
            await writing.WaitAsync(LongestGoodbye, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await base.StopAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        DdmTelemetry.Announce();
        await using var stopping = stoppingToken.Register(() => notices.Writer.TryComplete());
        await foreach (var (run, message) in notices.Reader.ReadAllAsync(CancellationToken.None))
        {
            try
            {
                await events.AddAsync(run, RunEvent.Notice, message, stoppingToken);
            }
            catch (Exception e)
            {
                log.LogDebug("A notice of run {Run} was not kept: {Reason}", run, e.Message); // it is in the log, and must not end the process
            }
        }
    }
}
