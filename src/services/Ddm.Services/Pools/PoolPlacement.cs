using System.Collections.Concurrent;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Training;

namespace Ddm.Services;

/// <summary>Placement among the pools that there are: by what workers measured, by what waits, and by who can compute in a role's numerics class.</summary>
internal sealed class PoolPlacement(CheckpointStore checkpoints, KnownWorkers workers, RunEvents events, IQueueDepth queue, WorkerSettings settings)
    : ISlicePlacement
{
    private readonly ConcurrentDictionary<(string Run, string Pool), bool> told = new();

    /// <inheritdoc/>
    public async Task<IReadOnlyList<PlacedSlice>> PlaceAsync(
        RunDocument document, RunObservation seen, IReadOnlyList<DueSlice> due, CancellationToken cancellationToken)
    {
        if (due.Count == 0)
        {
            return [];
        }

        var sights = new PoolSights(document, seen, due, Taking(await workers.ReadAsync(cancellationToken)));
        if (due.Any(next => !sights.Of(Role.Parse(next.Slice.RolePath)).Exists(pool => pool.Workers > 0)))
        {
            sights = new PoolSights(document, seen, due, Taking(await workers.SearchAsync(cancellationToken)));
        }

        var queues = new QueueLook(queue, sights, due);
        var found = new List<PlacedSlice>(due.Count);
        foreach (var next in due.OrderByDescending(next => next.Waited)) // queues are served in order: whose message is lost has waited longest
        {
            if (await PlaceAsync(document, next, sights, queues, cancellationToken) is { } placed)
            {
                found.Add(placed);
            }
        }

        return found;
    }

    /// <summary>The pools that a role may be placed in: those its spec names; else its usual one, and where nobody is there any other.</summary>
    internal static IReadOnlyList<string> Allowed(RunSpec spec, Role role, IEnumerable<WorkerRecord> workers)
    {
        var named = Roles.Training(spec, role).Pools;
        return named.Count > 0 ? named
            : [.. new[] { PoolName.Of(role) }.Concat(workers.Select(worker => worker.Pool).Where(pool => pool != PoolName.Router).Order(StringComparer.Ordinal)).Distinct()];
    }

    private static List<WorkerRecord> Taking(IReadOnlyList<SeenWorker> seen)
        => [.. seen.Where(worker => worker.IsAlive && worker.Record.Cordoned is null).Select(worker => worker.Record)];

    private async Task<PlacedSlice?> PlaceAsync(RunDocument document, DueSlice due, PoolSights sights, QueueLook queues, CancellationToken cancellationToken)
    {
        var (slice, pool, hasWaited, _) = due;
        var role = Role.Parse(slice.RolePath);
        var pools = sights.Of(role);
        var chosen = Placement.Choose(pools, sights.Remaining(slice.RolePath), pool, hasWaited);
        if (pool is not null && chosen != pool)
        {
            if (await checkpoints.TryGrantAsync(slice.Run, role, chosen, settings.OwnerTimeout, cancellationToken) is null)
            {
                return null; // it was claimed since it was looked at
            }

            await events.AddAsync(slice.Run, RunEvent.Placed, $"{role} goes from pool '{pool}' to '{chosen}'{(hasWaited ? ": nobody took it" : "")}", cancellationToken);
        }

        // Asked before the role is placed there: what is placed anew is no message that is missing.
        var isWaiting = hasWaited && chosen == pool && !await queues.TakeMissingAsync(chosen, cancellationToken) && due.Waited < DispatchLedger.LongestPatience(settings);
        sights.Place(slice.RolePath, chosen);
        await TellAsync(slice, pools.Find(sight => sight.Name == chosen)!, document.Numerics[slice.RolePath], cancellationToken);
        return new PlacedSlice(slice with { Pool = chosen }, isWaiting);
    }

    private async Task TellAsync(TrainSlice slice, PoolSight pool, NumericsClass numerics, CancellationToken cancellationToken)
    {
        if (pool.Workers > 0)
        {
            told.TryRemove((slice.Run, pool.Name), out _);
        }
        else if (told.TryAdd((slice.Run, pool.Name), true))
        {
            await events.AddAsync(
                slice.Run, RunEvent.NoWorker, $"{slice.RolePath} and what comes after it waits in pool '{pool.Name}': no worker there can compute in [{numerics}]", cancellationToken);
        }
    }
}
