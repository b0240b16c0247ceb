using Ddm.Runs;
using Ddm.Training;

namespace Ddm.Services;

/// <summary>What a role sees of the pools it may be placed in, while the roles of one look are placed one after the other. A sight costs as much as there are pools, however many roles and workers.</summary>
internal sealed class PoolSights
{
    private readonly RunDocument document;
    private readonly RunObservation seen;
    private readonly IReadOnlyList<WorkerRecord> workers;
    private readonly Dictionary<string, string?> placed;
    private readonly Dictionary<string, double> backlogs = new(StringComparer.Ordinal);
    private readonly Dictionary<(NumericsClass Numerics, bool IsRouter), List<(string Pool, int Workers, double? Rate)>> manned = [];

    /// <param name="document">The run.</param>
    /// <param name="seen">Where its roles are placed, and what is done of them.</param>
    /// <param name="due">Roles that are to be placed; one that was never claimed has no head that says where it was.</param>
    /// <param name="workers">Workers that take slices.</param>
    public PoolSights(RunDocument document, RunObservation seen, IReadOnlyList<DueSlice> due, IReadOnlyList<WorkerRecord> workers)
    {
        (this.document, this.seen, this.workers) = (document, seen, workers);
        placed = document.Roles.Where(role => role.Status == RoleStatus.Training)
            .ToDictionary(role => role.Role, role => seen.Pools.GetValueOrDefault(role.Role), StringComparer.Ordinal);
        foreach (var slice in due)
        {
            placed[slice.Slice.RolePath] = slice.Pool;
        }

        foreach (var (role, pool) in placed)
        {
            Add(pool, Remaining(role));
        }
    }

    /// <summary>Images that a role still has to train.</summary>
    public double Remaining(string role)
    {
        var training = Roles.Training(document.Spec, Role.Parse(role));
        return (training.Steps - seen.CommittedSteps.GetValueOrDefault(role)) * (double)training.Batch;
    }

    /// <summary>The pools that a role may be placed in, those it prefers first.</summary>
    public List<PoolSight> Of(Role role)
    {
        var key = (document.Numerics[role.Path], role.Kind == RoleKind.Router);
        if (!manned.TryGetValue(key, out var pools))
        {
            manned.Add(key, pools = Count(role, key.Item1));
        }

        var (own, remaining) = (placed.GetValueOrDefault(role.Path), Remaining(role.Path));
        return [.. pools.Select(pool => new PoolSight(pool.Pool, pool.Workers, pool.Rate, backlogs.GetValueOrDefault(pool.Pool) - (pool.Pool == own ? remaining : 0)))];
    }

    /// <summary>Roles placed in a pool that wait there for a worker.</summary>
    public int Waiting(string pool)
        => placed.Count(role => role.Value == pool && !seen.OwnedRoles.Contains(role.Key) && !seen.WaitingRoles.Contains(role.Key) && !seen.HeldRoles.Contains(role.Key));

    /// <summary>Notes where a role was placed.</summary>
    public void Place(string role, string pool)
    {
        var remaining = Remaining(role);
        Add(placed.GetValueOrDefault(role), -remaining);
        Add(pool, remaining);
        placed[role] = pool;
    }

    private void Add(string? pool, double images)
    {
        if (pool is not null)
        {
            backlogs[pool] = backlogs.GetValueOrDefault(pool) + images;
        }
    }

    // The same for all experts of a numerics class: a spec names pools and batches for experts, and for the router.
    private List<(string Pool, int Workers, double? Rate)> Count(Role role, NumericsClass numerics)
    {
        var able = workers.Where(worker => worker.Numerics?.Covers(numerics) != false).ToList();
        var key = WorkerRecord.RateKey(document.Name, role);
        return
        [
            .. PoolPlacement.Allowed(document.Spec, role, able).Select(pool =>
            {
                var here = able.Where(worker => worker.Pool == pool).ToList();
                var rates = here.Where(worker => worker.Rates.ContainsKey(key)).Select(worker => worker.Rates[key]).ToList();
                return (pool, here.Count, rates.Count == 0 ? (double?)null : rates.Average());
            }),
        ];
    }
}
