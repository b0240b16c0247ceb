namespace Ddm.Services;

/// <summary>What the queues of pools hold, asked once a look: as many of the roles that wait there as there are messages are taken to have theirs.</summary>
internal sealed class QueueLook(IQueueDepth queue, PoolSights sights, IReadOnlyList<DueSlice> due)
{
    private readonly Dictionary<string, int> missing = new(StringComparer.Ordinal);

    /// <summary>Whether one more message is missing in a pool's queue. Who asks sends it. Where nobody can count, all are.</summary>
    public async Task<bool> TakeMissingAsync(string pool, CancellationToken cancellationToken)
    {
        if (!missing.TryGetValue(pool, out var left))
        {
            left = await queue.CountAsync(pool, cancellationToken) is { } there
                ? sights.Waiting(pool) - due.Count(slice => slice.Pool == pool && !slice.HasWaited) - there // those are sent in any case
                : int.MaxValue;
        }

        missing[pool] = Math.Max(0, left - 1);
        return left > 0;
    }
}
