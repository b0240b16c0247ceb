using System.Collections.Concurrent;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Training;

namespace Ddm.Services;

/// <summary>Placement among the pools that there are: by what workers measured, by what waits, and by who can compute in a role's numerics class.</summary>
internal sealed class PoolPlacement(CheckpointStore checkpoints, WorkerDirectory directory, RunEvents events, IQueueDepth queue, WorkerSettings settings)
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

        var workers = (await directory.ReadAsync(cancellationToken)).Where(worker => worker.IsAlive && worker.Record.Cordoned is null).Select(worker => worker.Record).ToList();
        var placed = document.Roles.Where(role => role.Status == RoleStatus.Training)
            .ToDictionary(role => role.Role, role => seen.Pools.GetValueOrDefault(role.Role), StringComparer.Ordinal);
        var found = new List<PlacedSlice>(due.Count);
        foreach (var (slice, pool, hasWaited) in due)
        {
            var role = Role.Parse(slice.RolePath);
            var pools = Sights(document, role, seen, placed, workers);
            var chosen = Placement.Choose(pools, Remaining(document, slice.RolePath, seen), pool, hasWaited);
            if (pool is not null && chosen != pool)
            {
                if (await checkpoints.TryGrantAsync(slice.Run, role, chosen, settings.OwnerTimeout, cancellationToken) is null)
                {
                    continue; // it was claimed since it was looked at
                }

                await events.AddAsync(slice.Run, RunEvent.Placed, $"{role} goes from pool '{pool}' to '{chosen}'{(hasWaited ? ": nobody took it" : "")}", cancellationToken);
            }

            placed[slice.RolePath] = chosen;
            await TellAsync(slice, pools.First(sight => sight.Name == chosen), document.Numerics[slice.RolePath], cancellationToken);
            var isWaiting = hasWaited && chosen == pool && await IsWaitingAsync(chosen, seen, placed, cancellationToken);
            found.Add(new PlacedSlice(slice with { Pool = chosen }, isWaiting));
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

    // As many messages as roles wait there: none is lost, the queue is long.
    private async Task<bool> IsWaitingAsync(string pool, RunObservation seen, Dictionary<string, string?> placed, CancellationToken cancellationToken)
        => await queue.CountAsync(pool, cancellationToken) >= placed.Count(role => role.Value == pool && !seen.OwnedRoles.Contains(role.Key));

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

    private static List<PoolSight> Sights(
        RunDocument document, Role role, RunObservation seen, Dictionary<string, string?> placed, List<WorkerRecord> workers)
    {
        var numerics = document.Numerics[role.Path];
        var able = workers.Where(worker => worker.Numerics?.Covers(numerics) != false).ToList();
        var key = WorkerRecord.RateKey(document.Name, role);
        return
        [
            .. Allowed(document.Spec, role, able).Select(pool =>
            {
                var here = able.Where(worker => worker.Pool == pool).ToList();
                var rates = here.Where(worker => worker.Rates.ContainsKey(key)).Select(worker => worker.Rates[key]).ToList();
                var backlog = placed.Where(other => other.Value == pool && other.Key != role.Path).Sum(other => Remaining(document, other.Key, seen));
                return new PoolSight(pool, here.Count, rates.Count == 0 ? null : rates.Average(), backlog);
            }),
        ];
    }

    private static double Remaining(RunDocument document, string role, RunObservation seen)
    {
        var training = Roles.Training(document.Spec, Role.Parse(role));
        return (training.Steps - seen.CommittedSteps.GetValueOrDefault(role)) * (double)training.Batch;
    }
}
