using System.Collections.Concurrent;

namespace Ddm.Services;

/// <summary>Asks the broker how many messages wait, and keeps the answer for a while. A broker that does not answer is no reason to end a turn.</summary>
internal sealed class BrokerQueueDepth(Topology topology, PoolQueues queues, TimeProvider time) : IQueueDepth
{
    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(5), KeptUnknown = TimeSpan.FromSeconds(30), Patience = TimeSpan.FromSeconds(2);
    private readonly ConcurrentDictionary<string, (long At, int? Count)> answers = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public async Task<int?> CountAsync(string pool, CancellationToken cancellationToken)
    {
        if (answers.TryGetValue(pool, out var known) && time.GetElapsedTime(known.At) < (known.Count is null ? KeptUnknown : Kept))
        {
            return known.Count;
        }

        int? count = null;
        using var patience = new CancellationTokenSource(Patience, time); // whoever asks trains nothing meanwhile
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            if (await topology.LookAsync(QueueNames.Train(pool), either.Token).WaitAsync(either.Token) is { } found)
            {
                count = (int)found.Waiting;
            }
            else
            {
                queues.Miss(pool);
            }
        }
        catch (Exception e) when ((Faults.MayPass(e) || e is OperationCanceledException) && !cancellationToken.IsCancellationRequested)
        {
            // unknown
        }

        answers[pool] = (time.GetTimestamp(), count);
        return count;
    }
}
