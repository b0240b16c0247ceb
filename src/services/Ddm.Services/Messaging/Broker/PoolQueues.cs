using System.Collections.Concurrent;
using Ddm.Runs;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>
/// The queues this process needs: its own pool's, and those of the pools it sends to. A pool that no worker has joined yet has no queue unless its sender makes one:
/// what is sent there would vanish, and with it the only reason to start a worker.
/// </summary>
internal sealed class PoolQueues(Topology topology, BrokerAddress broker, WorkerSettings settings, ILogger<PoolQueues> log) : IDisposable
{
    private readonly ConcurrentDictionary<string, bool> pools = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim lost = new(0, int.MaxValue);
    private int policyIsDue = 1;

    /// <summary>Declares all of them.</summary>
    /// <exception cref="UserErrorException">Something else is on the broker under one of the names.</exception>
    /// <exception cref="IOException">The broker cannot be reached.</exception>
    public async Task<TopologyState> EnsureAsync(CancellationToken cancellationToken)
    {
        var known = pools.Keys.ToArray();
        var state = await DeclareAsync([settings.Pool, .. known], cancellationToken);
        foreach (var pool in known)
        {
            pools[pool] = true;
        }

        return state;
    }

    /// <summary>Sees to it that a pool has a queue before something is sent to it.</summary>
    /// <exception cref="IOException">The broker cannot be reached.</exception>
    public async Task RequireAsync(string pool, CancellationToken cancellationToken)
    {
        if (pools.TryGetValue(pool, out var stands) && stands)
        {
            return;
        }

        try
        {
            await DeclareAsync([pool], cancellationToken);
        }
        catch (UserErrorException e)
        {
            log.LogError("{Reason}", e.Message); // a person has to mend it, and no run is at fault
        }

        pools[pool] = true;
    }

    /// <summary>Says that a pool's queue is not there: the broker was wiped.</summary>
    public void Miss(string pool) => pools[pool] = false;

    /// <summary>Waits that long, or until the broker is found to have lost what it had.</summary>
    public Task WaitAsync(TimeSpan time, CancellationToken cancellationToken) => lost.WaitAsync(time, cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => lost.Dispose();

    /// <summary>Whether the policy is to be set: at the start, and where the broker has lost what it had. Answers true once.</summary>
    public bool TakePolicy() => Interlocked.Exchange(ref policyIsDue, 0) == 1;

    private async Task<TopologyState> DeclareAsync(string[] names, CancellationToken cancellationToken)
    {
        var state = await topology.EnsureAsync(names, cancellationToken);
        if (state.Made.Contains(QueueNames.Dead))
        {
            log.LogInformation("The broker at {Place} had no queues: they were declared", broker.Place);
            Interlocked.Exchange(ref policyIsDue, 1);
            lost.Release();
        }

        return state;
    }
}
