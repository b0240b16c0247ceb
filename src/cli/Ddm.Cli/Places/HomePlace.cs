using System.Runtime.CompilerServices;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Cli;

/// <summary>A home folder or a container: everything is read from its blobs, beside a running process or after a dead one.</summary>
internal sealed class HomePlace(IBlobStore blobs) : IRunPlace
{
    private const int MostEvents = 1000;
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    private readonly RunInspector inspector = RunInspector.For(blobs);
    private readonly RunRepository runs = new(blobs);

    public async Task<IReadOnlyList<RunFacts>> AllAsync(CancellationToken cancellationToken)
    {
        var facts = new List<RunFacts>();
        foreach (var name in await runs.NamesAsync(cancellationToken))
        {
            try
            {
                facts.Add(await inspector.InspectAsync(name, cancellationToken));
            }
            catch (Exception e) when (Faults.IsFinal(e))
            {
                await Console.Error.WriteLineAsync($"Run '{name}' cannot be read: {e.Message}"); // the others can be seen all the same
            }
        }

        return facts;
    }

    public Task<RunFacts> InspectAsync(string run, CancellationToken cancellationToken) => PoolInspector.For(blobs).InspectAsync(run, cancellationToken);

    public async Task<IReadOnlyList<RunEvent>> EventsAsync(string run, CancellationToken cancellationToken)
    {
        await runs.GetAsync(run, cancellationToken);
        return await RunEvents.ReadAsync(blobs, run, cancellationToken);
    }

    public async Task<IReadOnlyList<RoleCurve>> MetricsAsync(string run, CancellationToken cancellationToken)
    {
        var checkpoints = new CheckpointStore(blobs, TimeProvider.System, NullLogger.Instance);
        var curves = new List<RoleCurve>();
        foreach (var decision in (await runs.GetAsync(run, cancellationToken)).Roles)
        {
            var damaged = new List<string>();
            var steps = await RunMetrics.HistoryAsync(blobs, checkpoints, run, Role.Parse(decision.Role), damaged, cancellationToken);
            curves.Add(new RoleCurve(decision.Role, steps, damaged));
        }

        return curves;
    }

    public async IAsyncEnumerable<RunSighting> WatchAsync(string run, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var facts = await inspector.InspectAsync(run, cancellationToken);
        var feed = new RunEventFeed(blobs, run);
        while ((await feed.NextAsync(MostEvents, cancellationToken)).Count > 0)
        {
            // what happened before is for 'ddm events'
        }

        while (true)
        {
            yield return new RunSighting.Standing(facts);
            if (facts.HasEnded)
            {
                yield break;
            }

            await Task.Delay(LookEvery, cancellationToken);
            facts = await inspector.InspectAsync(run, cancellationToken);
            var told = facts.HasEnded ? await feed.UnsettledAsync(cancellationToken) : await feed.NextAsync(MostEvents, cancellationToken);
            foreach (var e in told)
            {
                yield return new RunSighting.Happening(e.ToEvent());
            }
        }
    }

    public async Task<RunFacts> ActAsync(RunAction action, string run, CancellationToken cancellationToken)
    {
        RunName.Require(run);
        var checkpoints = new CheckpointStore(blobs, TimeProvider.System, NullLogger.Instance);
        var events = RunEvents.For(blobs);
        var repair = new RunRepair(
            blobs, runs, new LostSteps(checkpoints, runs, events, new NoticePrinter()), new Publication(blobs, new ModelCatalog(blobs, checkpoints, runs, TimeProvider.System)));
        var control = new RunControl(blobs, checkpoints, runs, events, repair, new NoQueues());
        await (action switch
        {
            RunAction.Cancel => control.CancelAsync(run, cancellationToken),
            RunAction.Pause => control.PauseAsync(run, cancellationToken),
            RunAction.Resume => control.ResumeAsync(run, cancellationToken),
            _ => control.RetryAsync(run, cancellationToken),
        });
        return await inspector.InspectAsync(run, cancellationToken);
    }

    // A folder has no process of its own.
    public string? WhatElse(RunAction action) => action is RunAction.Resume or RunAction.Retry ? "  go on    ddm run SPEC, where no services work on these blobs" : null;

    public void Dispose()
    {
    }
}
