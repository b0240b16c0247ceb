using System.Collections.Concurrent;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>The leases of this process. Any number of control planes stand by; one looks at a run at a time.</summary>
public sealed class ReconcilerLeases(IBlobStore blobs, WorkerIdentity worker, RunEvents events, TimeProvider time)
{
    /// <summary>Age, by the store's clock, from which a holder counts as dead.</summary>
    public static readonly TimeSpan LeaseTimeout = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(10);
    private readonly ConcurrentDictionary<string, Held> held = new(StringComparer.Ordinal);

    /// <summary>The runs that are this process's to look at, as far as it knows.</summary>
    public IEnumerable<string> Runs => held.Keys;

    /// <summary>Whether the run is this process's to look at; takes or renews the lease where it is free or due.</summary>
    public async Task<bool> HoldAsync(string run, CancellationToken cancellationToken)
    {
        var name = BlobNames.Reconciler(run);
        if (held.TryGetValue(run, out var mine))
        {
            if (time.GetElapsedTime(mine.At) < RenewEvery)
            {
                return true;
            }

            if (await SwapAsync(run, name, mine.Lease with { Renewals = mine.Lease.Renewals + 1 }, WriteCondition.IfMatch(mine.ETag), cancellationToken))
            {
                return true;
            }

            held.TryRemove(run, out _); // another took it, or a reply was lost: the record says
        }

        var found = await blobs.ReadAsync(name, cancellationToken);
        var lease = found is null ? null : Parse(name, found);
        if (lease is { Worker.Length: > 0 } && lease.Worker != worker.Name && await blobs.ReadClockAsync(cancellationToken) - found!.LastModified < LeaseTimeout)
        {
            return false;
        }

        var condition = found is null ? WriteCondition.IfAbsent : WriteCondition.IfMatch(found.ETag);
        if (!await SwapAsync(run, name, new ReconcilerLease { Worker = worker.Name, Renewals = (lease?.Renewals ?? 0) + 1 }, condition, cancellationToken))
        {
            return false;
        }

        if (lease is { Worker.Length: > 0 } && lease.Worker != worker.Name)
        {
            await events.AddAsync(run, RunEvent.TakenOver, $"control plane {lease.Worker} was silent: {worker.Name} looks after the run", cancellationToken);
        }

        return true;
    }

    /// <summary>Gives every lease back, so that the next control plane need not wait.</summary>
    public async Task ReleaseAsync(CancellationToken cancellationToken)
    {
        foreach (var run in held.Keys)
        {
            await ReleaseAsync(run, cancellationToken);
        }
    }

    /// <summary>Gives a run's lease back, where it is this process's: there is nothing more to look at.</summary>
    public async Task ReleaseAsync(string run, CancellationToken cancellationToken)
    {
        if (held.TryRemove(run, out var mine))
        {
            var free = mine.Lease with { Worker = "", Renewals = mine.Lease.Renewals + 1 };
            await blobs.TryWriteJsonAsync(BlobNames.Reconciler(run), free, WriteCondition.IfMatch(mine.ETag), cancellationToken);
        }
    }

    private async Task<bool> SwapAsync(string run, string name, ReconcilerLease lease, WriteCondition condition, CancellationToken cancellationToken)
    {
        var at = time.GetTimestamp();
        if (await blobs.TryWriteJsonAsync(name, lease, condition, cancellationToken) is not { } etag)
        {
            return false;
        }

        held[run] = new Held(lease, etag, at);
        return true;
    }

    // A record that cannot be read belongs to nobody.
    private static ReconcilerLease? Parse(string name, BlobContent content)
    {
        try
        {
            return BlobJson.Parse<ReconcilerLease>(name, content.Bytes);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private sealed record Held(ReconcilerLease Lease, string ETag, long At);
}
