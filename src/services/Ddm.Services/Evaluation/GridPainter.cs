using System.Globalization;
using Ddm.Runs;
using Ddm.Storage;
using Microsoft.Extensions.Hosting;

namespace Ddm.Services;

/// <summary>
/// Draws from runs on their way, with the same seeds each time, so that people see what a model learns: one grid at every part of the way that the router and an expert have
/// committed at. Beside the work and never in its way: what cannot be drawn is left out.
/// </summary>
public sealed class GridPainter(
    IBlobStore blobs, RunRepository runs, CheckpointStore checkpoints, ModelCatalog catalog, ModelLoader loader, DeviceThread device, WorkerPresence presence, GridSettings settings,
    IRunProgress progress, TimeProvider time) : BackgroundService
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
                var began = time.GetTimestamp();
                foreach (var run in presence.TakeRuns())
                {
                    drawn.TryAdd(run, 0);
                }

                foreach (var run in drawn.Keys.ToArray())
                {
                    await LookAsync(run, stoppingToken);
                }

                // A tenth of the time at most: looking at a thousand roles must not become the store's main work.
                await Task.Delay(TimeSpan.FromTicks(Math.Max(settings.LookEvery.Ticks, time.GetElapsedTime(began).Ticks * Thrift)), time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // the process stops
        }
    }

    private async Task LookAsync(string run, CancellationToken cancellationToken)
    {
        try
        {
            if (await runs.FindAsync(run, cancellationToken) is not { Value: { Status: RunStatus.Running or RunStatus.Paused, Stage: RunStage.Train } document })
            {
                drawn.Remove(run); // over, or stopped: a slice of it brings it back
                return;
            }

            var due = (await PercentAsync(document, cancellationToken)) / settings.Step * settings.Step;
            if (due <= drawn[run] || due >= WholeWay || await blobs.ExistsAsync(BlobNames.Grid(run, due), cancellationToken))
            {
                return;
            }

            drawn[run] = due;
            await DrawAsync(document, due, cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            // The first grids may come before the first commit of the router. Whatever it is, training goes on.
            progress.Notice($"No grid of run '{run}' was drawn: {e.Message}");
        }
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
        using var model = await loader.OpenAsync(manifest, new ModelLoading { ExpertBytes = settings.ExpertBytes }, cancellationToken);
        var prompts = model.Captions is null ? [] : await HeldOutPrompts.ReadAsync(blobs, document, SampleGrids.PromptColumns, cancellationToken);
        var grid = await device.RunAsync(() => SampleGrids.DrawFirstRows(model, prompts, cancellationToken));
        await blobs.TryWriteAsync(BlobNames.Grid(document.Name, percent), grid.Png, WriteCondition.Any, cancellationToken);
        progress.Notice(string.Create(CultureInfo.InvariantCulture, $"Run '{document.Name}' drew its pictures at {percent} percent of the way."));
    }
}
