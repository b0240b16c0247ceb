namespace Ddm.Runs;

/// <summary>Which pool a role is placed in: the one where it is expected to be finished first. Pure.</summary>
public static class Placement
{
    /// <summary>The pool.</summary>
    /// <param name="pools">The pools that may train the role, in the order of preference; at least one.</param>
    /// <param name="remaining">Images that the role still has to train.</param>
    /// <param name="current">Where it is placed; null: nowhere yet.</param>
    /// <param name="hasWaited">Whether it waited there in vain: only then it leaves a pool that has workers.</param>
    public static string Choose(IReadOnlyList<PoolSight> pools, double remaining, string? current, bool hasWaited)
    {
        var placed = pools.FirstOrDefault(pool => pool.Name == current);
        if (placed is { Workers: > 0 } && !hasWaited)
        {
            return placed.Name;
        }

        // A pool that was never measured is as good as the best until it is: that is how it comes to be measured.
        var best = pools.Max(pool => pool.ImagesPerSecond) ?? 1;
        var manned = pools.Where(pool => pool.Workers > 0).OrderBy(Finish).ThenBy(pool => pool.Name != current).ToList();
        if (manned.Count > 0)
        {
            return manned[0].Name;
        }

        // Nobody is there: a queue with something in it is what makes workers come. After a wait the next pool's is.
        var at = placed is null ? -1 : pools.ToList().IndexOf(placed);
        return at >= 0 && !hasWaited ? placed!.Name : pools[(at + 1) % pools.Count].Name;

        double Finish(PoolSight pool) => Math.Max(remaining, (pool.Backlog + remaining) / pool.Workers) / (pool.ImagesPerSecond ?? best);
    }
}
