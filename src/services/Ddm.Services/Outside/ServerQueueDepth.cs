namespace Ddm.Services;

/// <summary>Asks the control plane how many slices wait, and keeps the answer for a while.</summary>
internal sealed class ServerQueueDepth(ServerConnection server, TimeProvider time) : IQueueDepth
{
    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(5);
    private (string Pool, int? Count, long At)? last;

    /// <inheritdoc/>
    public async Task<int?> CountAsync(string pool, CancellationToken cancellationToken)
    {
        if (last is { } known && known.Pool == pool && time.GetElapsedTime(known.At) < Kept)
        {
            return known.Count;
        }

        int? count = null;
        try
        {
            count = (await server.AskAsync<QueueAnswer>($"/pools/{pool}", null, ServerConnection.Once, OutsidePatience.Brief, cancellationToken))?.Waiting;
        }
        catch (Exception e) when (Faults.MayPass(e) && !cancellationToken.IsCancellationRequested)
        {
            // unknown
        }

        last = (pool, count, time.GetTimestamp());
        return count;
    }
}
