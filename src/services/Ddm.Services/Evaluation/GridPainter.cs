using Ddm.Runs;
using Ddm.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>
/// Draws from runs on their way, with the same seeds each time, so that people see what a model learns: one grid at every part of the way that the router and an expert have
/// committed at. Beside the work and never in its way: what cannot be drawn is left out.
/// </summary>
public sealed class GridPainter(
    IBlobStore blobs, RunRepository runs, CheckpointStore checkpoints, ModelCatalog catalog, ModelLoader loader, DeviceThread device, WorkerPresence presence, GridSettings settings,
    ILogger<GridPainter> log, TimeProvider time) : BackgroundService
{
    private const int WholeWay = 100;
    private const int Thrift = 10;

    private readonly Dictionary<string, int> drawn = new(StringComparer.Ordinal); // percent; of the runs that are looked at

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                foreach (var run in presence.TakeRuns())
                {
                    drawn.TryAdd(run, 0);
                }

                // A tenth of the time at most: looking at a thousand roles must not become the store's main work.
                var looked = TimeSpan.Zero;
                foreach (var run in drawn.Keys.ToArray())
                {
                    looked += await TurnAsync(run, stoppingToken);
                }

                await Task.Delay(TimeSpan.FromTicks(Math.Max(settings.LookEvery.Ticks, looked.Ticks * Thrift)), time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // the process stops
        }
    }

    // Looks at a run, and draws where it is time to. Tells how long the look took.
    private async Task<TimeSpan> TurnAsync(string run, CancellationToken cancellationToken)
    {
        var (began, looked) = (time.GetTimestamp(), TimeSpan.Zero);
        try
        {
            var due = await FindDueAsync(run, cancellationToken);
            looked = time.GetElapsedTime(began);
            if (due is { } found)
            {
                drawn[run] = found.Percent;
                await DrawAsync(found.Document, found.Percent, cancellationToken);
            }

            return looked;
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            // The first grids may come before the first commit of the router. Whatever it is, training goes on.
            log.LogWarning("No grid of run {Run} was drawn: {Reason}", run, e.Message);
            return looked;
        }
    }

    // What to draw now; null: nothing.
    private async Task<(RunDocument Document, int Percent)?> FindDueAsync(string run, CancellationToken cancellationToken)
    {
        if (await runs.FindAsync(run, cancellationToken) is not { Value: { Status: RunStatus.Running or RunStatus.Paused, Stage: RunStage.Train } document })
        {
            drawn.Remove(run); // over, or stopped: a slice of it brings it back
            return null;
        }

        var percent = await PercentAsync(document, cancellationToken) / settings.Step * settings.Step;
        return percent > drawn[run] && percent < WholeWay && !await blobs.ExistsAsync(BlobNames.Grid(run, percent), cancellationToken) ? (document, percent) : null;
    }

    private async Task<int> PercentAsync(RunDocument document, CancellationToken cancellationToken)
    {
        var (done, all) = (0L, 0L);
        foreach (var decision in document.Roles)
        {
            all += decision.TargetSteps;
            done += Math.Min(decision.TargetSteps, (await checkpoints.ReadHeadAsync(document.Name, Role.Parse(decision.Role), cancellationToken))?.Step ?? 0);
        }

        return all == 0 ? 0 : (int)(done * WholeWay / all);
    }

    private async Task DrawAsync(RunDocument document, int percent, CancellationToken cancellationToken)
    {
        var manifest = await catalog.OfRunAsync(document, cancellationToken);
        using var model = await loader.OpenAsync(manifest, new ModelLoading { Memory = new ExpertMemory(settings.ExpertBytes) }, cancellationToken);
        var prompts = model.Captions is null ? [] : await HeldOutPrompts.ReadAsync(blobs, document, SampleGrids.PromptColumns, cancellationToken);
        var grid = await device.RunAsync(() => SampleGrids.DrawFirstRows(model, prompts, cancellationToken));
        await blobs.TryWriteAsync(BlobNames.Grid(document.Name, percent), grid.Png, WriteCondition.Any, cancellationToken);
        log.LogInformation("Run {Run} drew its pictures at {Percent} percent of the way", document.Name, percent);
    }
}
