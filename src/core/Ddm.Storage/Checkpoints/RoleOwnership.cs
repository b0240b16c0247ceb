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

    private const int MostHosts = 8;

    public async Task<ClaimOutcome> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken)
    {
        var blobs = new RoleBlobs(request.Run, request.Role);
        if (await records.ReadHeadAsync(blobs, cancellationToken) is { Head: { GivenBack: true, OwnerETag: { } left } } free
            && await ClaimFreeAsync(blobs, request, free, left, cancellationToken) is { } outcome)
        {
            return outcome;
        }

        // The owner before the head: whoever holds or moves the role in between swaps the owner first, and then this claim's swap fails.
        var before = await records.ReadOwnerAsync(blobs, cancellationToken);
        var head = await records.ReadHeadAsync(blobs, cancellationToken);
        if (before is not null && await IsLiveAsync(before, head?.Head, request.IsKnownDead, request.OwnerTimeout, cancellationToken))
        {
            return new ClaimOutcome.HeldBy(before.Owner.Worker);
        }

        head ??= await RefuseLostHeadAsync(blobs, cancellationToken);
        if (await FindObstacleAsync(request, head?.Head, cancellationToken) is { } obstacle)
        {
            return obstacle;
        }

        var epoch = Math.Max(before?.Owner.Epoch ?? 0, head?.Head.Epoch ?? 0) + 1;
        var condition = before is null ? WriteCondition.IfAbsent : WriteCondition.IfMatch(before.ETag);
        var takenFrom = before is not null && IsHeld(before.Owner, head?.Head) ? before.Owner.Worker : null;
        return await TakeAsync(blobs, request, head, epoch, condition, takenFrom, cancellationToken) ?? await LostToAsync(blobs, cancellationToken);
    }

    public async Task<bool> RenewAsync(RoleClaim claim, CancellationToken cancellationToken) =>
        await UpdateOwnerAsync(claim, owner => owner with { Renewals = owner.Renewals + 1 }, cancellationToken);

    public async Task ReleaseAsync(RoleClaim claim, CancellationToken cancellationToken)
    {
        if (!claim.Head.GivenBack)
        {
            await UpdateOwnerAsync(claim, owner => owner with { Worker = "", Renewals = owner.Renewals + 1 }, cancellationToken);
        }
    }

    /// <summary>Takes the claim out of the count of those without a commit.</summary>
    public async Task ForgiveAsync(RoleClaim claim, CancellationToken cancellationToken)
    {
        var before = claim.Before;
        var head = claim.Head with { Attempts = before.Attempts, Tried = before.Tried, NotBefore = before.NotBefore };
        if (claim.Head.Attempts > before.Attempts
            && await store.SwapAsync(new RoleBlobs(claim.Run, claim.Role).Head, head, WriteCondition.IfMatch(claim.HeadETag), cancellationToken) is { } etag)
        {
            (claim.Head, claim.HeadETag) = (head, etag);
        }
    }

    /// <summary>Takes the role from whoever has it and changes its head under the new epoch.</summary>
    public async Task<RoleHead> FenceAsync(string run, Role role, Func<RoleHead, RoleHead> change, CancellationToken cancellationToken) =>
        (await FenceAsync(run, role, change, spared: null, cancellationToken))!;

    /// <summary>As the other overload; but null, and nothing is changed, where the role has an owner who was heard of within <paramref name="spared"/>.</summary>
    public async Task<RoleHead?> FenceAsync(string run, Role role, Func<RoleHead, RoleHead> change, TimeSpan? spared, CancellationToken cancellationToken)
    {
        var blobs = new RoleBlobs(run, role);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var before = await records.ReadOwnerAsync(blobs, cancellationToken);
            var head = await records.ReadHeadAsync(blobs, cancellationToken) ?? await RefuseLostHeadAsync(blobs, cancellationToken);
            if (spared is { } age && before is not null && await IsLiveAsync(before, head?.Head, static _ => false, age, cancellationToken))
            {
                return null;
            }

            var epoch = Math.Max(before?.Owner.Epoch ?? 0, head?.Head.Epoch ?? 0) + 1;

            // The owner first, as a claim does: a claim that is under way loses one of its two swaps.
            var nobody = new RoleOwner { Epoch = epoch, Worker = "", Attempt = Interlocked.Increment(ref s_attempts), Renewals = 0 };
            var condition = before is null ? WriteCondition.IfAbsent : WriteCondition.IfMatch(before.ETag);
            if (await store.SwapAsync(blobs.Owner, nobody, condition, cancellationToken) is null)
            {
                continue;
            }

            while (head is null || head.Head.Epoch < epoch)
            {
                var next = change((head?.Head ?? Blank) with { Schema = RoleHead.CurrentSchema, Epoch = epoch, GivenBack = false, OwnerETag = null });
                var at = head is null ? WriteCondition.IfAbsent : WriteCondition.IfMatch(head.ETag);
                if (await store.SwapAsync(blobs.Head, next, at, cancellationToken) is not null)
                {
                    logger.LogInformation("{Role} of run {Run} was taken from its owner: epoch {Epoch}", role, run, epoch);
                    return next;
                }

                head = await records.ReadHeadAsync(blobs, cancellationToken); // its owner committed in between, for the last time
            }
        }
    }

    /// <summary>Changes a head that is there and leaves its owner alone; null where there is none.</summary>
    public async Task<RoleHead?> UpdateHeadAsync(string run, Role role, Func<RoleHead, RoleHead> change, CancellationToken cancellationToken)
    {
        var blobs = new RoleBlobs(run, role);
        while (await records.ReadHeadAsync(blobs, cancellationToken) is { } found)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var next = change(found.Head);
            if (ReferenceEquals(next, found.Head)
                || await store.SwapAsync(blobs.Head, next with { Schema = RoleHead.CurrentSchema }, WriteCondition.IfMatch(found.ETag), cancellationToken) is not null)
            {
                return next;
            }
        }

        return null;
    }

    public async Task<bool> IsLiveAsync(
        OwnerRecord record, RoleHead? head, Func<string, bool> isKnownDead, TimeSpan ownerTimeout, CancellationToken cancellationToken)
    {
        if (!IsHeld(record.Owner, head) || isKnownDead(record.Owner.Worker))
        {
            return false;
        }

        // Both times are the store's: this machine's clock may be a day off.
        return await store.ReadClockAsync(cancellationToken) - record.LastModified < ownerTimeout;
    }

    /// <summary>Whether an owner has not given the role back, in its own record or with its last commit.</summary>
    public static bool IsHeld(RoleOwner owner, RoleHead? head) =>
        owner.Worker.Length > 0 && !(head is { GivenBack: true } && head.Epoch == owner.Epoch);

    /// <summary>Claims a role that was given back and not touched since, without a look at its owner record; null where there is a newer one.</summary>
    private async Task<ClaimOutcome?> ClaimFreeAsync(RoleBlobs blobs, ClaimRequest request, HeadRecord head, string left, CancellationToken cancellationToken) =>
        await FindObstacleAsync(request, head.Head, cancellationToken)
            ?? await TakeAsync(blobs, request, head, head.Head.Epoch + 1, WriteCondition.IfMatch(left), takenFrom: null, cancellationToken);

    /// <summary>Swaps the owner, then the head; null where another swapped the owner first.</summary>
    private async Task<ClaimOutcome?> TakeAsync(
        RoleBlobs blobs, ClaimRequest request, HeadRecord? head, long epoch, WriteCondition condition, string? takenFrom, CancellationToken cancellationToken)
    {
        var owner = new RoleOwner { Epoch = epoch, Worker = request.Worker, Attempt = Interlocked.Increment(ref s_attempts), Renewals = 0 };
        if (await store.SwapAsync(blobs.Owner, owner, condition, cancellationToken) is not { } etag)
        {
            return null;
        }

        try
        {
            return await TakeHeadAsync(blobs, request, owner, etag, head, takenFrom, cancellationToken);
        }
        catch
        {
            await GiveBackAsync(blobs, owner, etag);
            throw;
        }
    }

    private static RoleHead Blank { get; } = new() { Schema = RoleHead.CurrentSchema, Epoch = 0, Step = 0 };

    private async Task<ClaimOutcome?> FindObstacleAsync(ClaimRequest request, RoleHead? head, CancellationToken cancellationToken)
    {
        var elsewhere = request.FromStep is { } step && step != (head?.Step ?? 0);
        if (elsewhere || head is { Held: true } || (request.Pool is not null && head?.Pool is { } pool && pool != request.Pool))
        {
            return new ClaimOutcome.Void(head);
        }

        if (head is null)
        {
            return null;
        }

        if (request.Attempts.IsPoison(head))
        {
            return new ClaimOutcome.Poisoned(head);
        }

        var wait = head.NotBefore is { } until && request.Attempts.BackOff > TimeSpan.Zero ? until - await store.ReadClockAsync(cancellationToken) : TimeSpan.Zero;
        return wait > TimeSpan.Zero ? new ClaimOutcome.NotYet(wait) : null;
    }

    private async Task<ClaimOutcome> TakeHeadAsync(
        RoleBlobs blobs, ClaimRequest request, RoleOwner owner, string ownerETag, HeadRecord? current, string? takenFrom, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (current is not null && current.Head.Epoch >= owner.Epoch)
            {
                return await LostToAsync(blobs, cancellationToken);
            }

            var before = current?.Head ?? Blank;
            var next = await CountAsync(request, before, cancellationToken) with { Schema = RoleHead.CurrentSchema, Epoch = owner.Epoch, GivenBack = false, OwnerETag = null };
            var condition = current is null ? WriteCondition.IfAbsent : WriteCondition.IfMatch(current.ETag);
            var etag = await store.SwapAsync(blobs.Head, next, condition, cancellationToken);
            if (etag is not null)
            {
                logger.LogInformation(
                    "{Worker} claimed {Role} of run {Run} at epoch {Epoch}, step {Step}",
                    owner.Worker, blobs.Role, blobs.Run, owner.Epoch, next.Step);
                return new ClaimOutcome.Claimed(new RoleClaim(blobs.Run, blobs.Role, owner, ownerETag, before, next, etag, takenFrom));
            }

            // The owner before us committed in between, for the last time: build on that.
            current = await records.ReadHeadAsync(blobs, cancellationToken);
        }
    }

    private async Task<RoleHead> CountAsync(ClaimRequest request, RoleHead head, CancellationToken cancellationToken)
    {
        var (attempts, host) = (head.Attempts + 1, request.Host ?? request.Worker);
        var tried = head.Tried ?? [];
        var wait = request.Attempts.After(attempts);
        return head with
        {
            Attempts = attempts,
            Tried = tried.Contains(host) || tried.Count == MostHosts ? tried : [.. tried, host],
            NotBefore = wait > TimeSpan.Zero ? await store.ReadClockAsync(cancellationToken) + wait : null,
            Pool = request.Pool ?? head.Pool,
        };
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
                $"{blobs.Head} is missing, but there are checkpoints ({blob.Name}). 'ddm retry {blobs.Run}', or in a home folder the same command again, writes the head anew "
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
