namespace Ddm.Services;

/// <summary>How many slices wait in a pool's queue. Only fairness rests on it: an answer may be old.</summary>
public interface IQueueDepth
{
    /// <summary>Messages in the queue that no worker has taken; null when the broker does not say.</summary>
    Task<int?> CountAsync(string pool, CancellationToken cancellationToken);
}
