using Ddm.Runs;
using Microsoft.Extensions.Logging;

namespace Ddm.Storage;

/// <summary>
/// Who trains a role. Claim = swap the owner to a higher epoch, then swap the head to that epoch; from the second swap on, whoever had the head's
/// old ETag can commit no more.
/// </summary>
internal sealed class RoleOwnership(IBlobStore store, RoleRecords records, ILogger logger)
{
    // Distinguishes claims of one process by one worker name, so that a record read back is known to be this claim's.
    private static long s_attempts;

    public async Task<ClaimOutcome> ClaimAsync(
        string run, Role role, string worker, Func<string, bool> isKnownDead, TimeSpan ownerTimeout, CancellationToken cancellationToken)
    {
        var blobs = new RoleBlobs(run, role);
        var before = await records.ReadOwnerAsync(blobs, cancellationToken);
        if (before is not null && await IsLiveAsync(before, isKnownDead, ownerTimeout, cancellationToken))
        {
            return new ClaimOutcome.HeldBy(before.Owner.Worker);
        }

        var head = await records.ReadHeadAsync(blobs, cancellationToken) ?? await RefuseLostHeadAsync(blobs, cancellationToken);
        var owner = new RoleOwner
        {
            Epoch = Math.Max(before?.Owner.Epoch ?? 0, head?.Head.Epoch ?? 0) + 1,
            Worker = worker,
            Attempt = Interlocked.Increment(ref s_attempts),
            Renewals = 0,
        };
        var condition = before is null ? WriteCondition.IfAbsent : WriteCondition.IfMatch(before.ETag);
        var etag = await store.SwapAsync(blobs.Owner, owner, condition, cancellationToken);
        if (etag is null)
        {
            return await LostToAsync(blobs, cancellationToken);
        }

        try
        {
            return await TakeHeadAsync(blobs, owner, etag, cancellationToken);
        }
        catch
        {
            await GiveBackAsync(blobs, owner, etag);
            throw;
        }
    }

    public async Task<bool> RenewAsync(RoleClaim claim, CancellationToken cancellationToken) =>
        await UpdateOwnerAsync(claim, owner => owner with { Renewals = owner.Renewals + 1 }, cancellationToken);

    public async Task ReleaseAsync(RoleClaim claim, CancellationToken cancellationToken) =>
        await UpdateOwnerAsync(claim, owner => owner with { Worker = "", Renewals = owner.Renewals + 1 }, cancellationToken);

    public async Task<bool> IsLiveAsync(OwnerRecord record, Func<string, bool> isKnownDead, TimeSpan ownerTimeout, CancellationToken cancellationToken)
    {
        if (record.Owner.Worker.Length == 0 || isKnownDead(record.Owner.Worker))
        {
            return false;
        }

        // Both times are the store's: this machine's clock may be a day off.
        return await store.ReadClockAsync(cancellationToken) - record.LastModified < ownerTimeout;
    }

    private async Task<ClaimOutcome> TakeHeadAsync(RoleBlobs blobs, RoleOwner owner, string ownerETag, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var current = await records.ReadHeadAsync(blobs, cancellationToken);
            if (current is not null && current.Head.Epoch >= owner.Epoch)
            {
                return await LostToAsync(blobs, cancellationToken);
            }

            var next = current is null
                ? new RoleHead { Schema = RoleHead.CurrentSchema, Epoch = owner.Epoch, Step = 0 }
                : current.Head with { Epoch = owner.Epoch };
            var condition = current is null ? WriteCondition.IfAbsent : WriteCondition.IfMatch(current.ETag);
            var etag = await store.SwapAsync(blobs.Head, next, condition, cancellationToken);
            if (etag is not null)
            {
                logger.LogInformation(
                    "{Worker} claimed {Role} of run {Run} at epoch {Epoch}, step {Step}",
                    owner.Worker, blobs.Role, blobs.Run, owner.Epoch, next.Step);
                return new ClaimOutcome.Claimed(new RoleClaim(blobs.Run, blobs.Role, owner, ownerETag, next, etag));
            }

            // The owner before us committed in between, for the last time: build on that.
        }
    }

    private async Task<bool> UpdateOwnerAsync(RoleClaim claim, Func<RoleOwner, RoleOwner> change, CancellationToken cancellationToken)
    {
        var blobs = new RoleBlobs(claim.Run, claim.Role);
        while (claim.Owner.Worker.Length > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var next = change(claim.Owner);
            if (await store.SwapAsync(blobs.Owner, next, WriteCondition.IfMatch(claim.OwnerETag), cancellationToken) is { } etag)
            {
                claim.Owner = next;
                claim.OwnerETag = etag;
                return true;
            }

            // Either another has claimed the role, or an earlier change of ours lost its reply.
            var found = await records.ReadOwnerAsync(blobs, cancellationToken);
            if (found is null || found.Owner.Epoch != claim.Epoch || found.Owner.Attempt != claim.Owner.Attempt || found.Owner.Worker != claim.Worker)
            {
                return false;
            }

            claim.Owner = found.Owner;
            claim.OwnerETag = found.ETag;
        }

        return false; // given back
    }

    private async Task<ClaimOutcome> LostToAsync(RoleBlobs blobs, CancellationToken cancellationToken)
    {
        var winner = await records.ReadOwnerAsync(blobs, cancellationToken);
        return new ClaimOutcome.HeldBy(winner is { Owner.Worker.Length: > 0 } ? winner.Owner.Worker : RoleOwner.Unreadable);
    }

    /// <summary>Where there is no head there must be no checkpoint either, or beginning anew would throw training away.</summary>
    /// <returns>The head, if another's first claim wrote it just now.</returns>
    private async Task<HeadRecord?> RefuseLostHeadAsync(RoleBlobs blobs, CancellationToken cancellationToken)
    {
        // The first claim writes the head before the first part, and nobody deletes it.
        await foreach (var blob in store.ListAsync(blobs.Checkpoints, cancellationToken))
        {
            return await records.ReadHeadAsync(blobs, cancellationToken) ?? throw new CheckpointException(
                $"{blobs.Head} is missing, but there are checkpoints ({blob.Name}). Run the same command again: it writes the head anew "
                    + $"from the newest good checkpoint. Or delete {blobs.Checkpoints} to begin this role anew.");
        }

        return null;
    }

    private async Task GiveBackAsync(RoleBlobs blobs, RoleOwner owner, string etag)
    {
        try
        {
            await store.SwapAsync(blobs.Owner, owner with { Worker = "", Renewals = 1 }, WriteCondition.IfMatch(etag), CancellationToken.None);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            logger.LogWarning(e,
                "{Worker} could not give {Role} of run {Run} back after a failed claim; it is free when the record has aged",
                owner.Worker, blobs.Role, blobs.Run);
        }
    }
}
