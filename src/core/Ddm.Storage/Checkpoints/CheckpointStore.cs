using Ddm.Runs;
using Microsoft.Extensions.Logging;

namespace Ddm.Storage;

/// <summary>
/// Where roles' training stands, durably. Each role has an owner record (who trains it), a head (where it stands, moved by compare-and-swap alone)
/// and immutable, hashed, chained checkpoints. Whatever fails and whenever: the head names a whole checkpoint, its step goes back only past a checkpoint
/// found corrupt, an epoch has at most one owner, and an epoch below the head's commits nothing.
/// </summary>
public sealed class CheckpointStore
{
    private readonly IBlobStore _store;
    private readonly RoleRecords _records;
    private readonly RoleOwnership _ownership;
    private readonly CheckpointChain _chain;
    private readonly CheckpointOpening _opening;
    private readonly IRoleKeeper _keeper;
    private readonly CheckpointCommit _commit;
    private readonly CheckpointSweep _sweep;
    private readonly HeadRepair _repair;
    private readonly ChainVerification _verification;

    /// <summary>A view of the checkpoints in <paramref name="store"/>; holds no state of its own.</summary>
    /// <param name="store">The blobs.</param>
    /// <param name="clock">Stamps manifests, for people; no decision is taken by it.</param>
    /// <param name="logger">Hears of claims, commits, fencing and what was passed over.</param>
    /// <param name="keeper">Who keeps owners and heads for this process's claims; null: it does so itself.</param>
    public CheckpointStore(IBlobStore store, TimeProvider clock, ILogger logger, IRoleKeeper? keeper = null)
    {
        _store = store;
        _records = new RoleRecords(store);
        _chain = new CheckpointChain(store);
        _ownership = new RoleOwnership(store, _records, logger);
        _opening = new CheckpointOpening(store, _chain, logger);
        _sweep = new CheckpointSweep(store, _records, _chain);
        _keeper = keeper ?? new StoreRoleKeeper(store, _ownership, new CheckpointSeal(store, _records, clock, logger), _sweep);
        _commit = new CheckpointCommit(store, _records, _keeper, logger);
        _repair = new HeadRepair(store, _records, _chain, logger);
        _verification = new ChainVerification(store, _records, _chain);
    }

    /// <summary>Claims a role whose owner is absent, known to be dead, or silent for <paramref name="ownerTimeout"/>.</summary>
    /// <param name="run">The run.</param>
    /// <param name="role">The role.</param>
    /// <param name="worker">A name that no other process uses, also not one that had this process's number before it.</param>
    /// <param name="isKnownDead">Whether the worker of that name is certainly gone; answer true for all to take the role from a living owner.</param>
    /// <param name="ownerTimeout">Age of an owner record, by the store's clock, from which its owner counts as dead; several renewals long.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="CheckpointException">The head is unreadable, lost, another run's or a newer version's.</exception>
    public Task<ClaimOutcome> ClaimAsync(
        string run, Role role, string worker, Func<string, bool> isKnownDead, TimeSpan ownerTimeout, CancellationToken cancellationToken) => ClaimAsync(
            new ClaimRequest { Run = run, Role = role, Worker = worker, IsKnownDead = isKnownDead, OwnerTimeout = ownerTimeout }, cancellationToken);

    /// <summary>Claims a role if the wake-up that asks for it still holds, its owner is absent, dead or silent, and failures do not stand in the way.</summary>
    /// <exception cref="CheckpointException">The head is unreadable, lost, another run's or a newer version's.</exception>
    public Task<ClaimOutcome> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(request.Worker);
        return _keeper.ClaimAsync(request, cancellationToken);
    }

    /// <summary>To be called when a claim ends without a commit for a reason that is not its role's, as when the machine is taken away: it is not counted.</summary>
    public Task ForgiveAsync(RoleClaim claim, CancellationToken cancellationToken) => _keeper.ForgiveAsync(claim, cancellationToken);

    /// <summary>Takes the role from whoever trains it, and lets nobody claim it until <see cref="FreeAsync"/>. What was not committed is lost.</summary>
    public Task<RoleHead> HoldAsync(string run, Role role, CancellationToken cancellationToken) =>
        _ownership.FenceAsync(run, role, head => head with { Held = true }, cancellationToken);

    /// <summary>Places the role in a pool, and takes it from whoever trains it: a wake-up through any other pool's queue is void from now on.</summary>
    public Task<RoleHead> GrantAsync(string run, Role role, string pool, CancellationToken cancellationToken) =>
        _ownership.FenceAsync(run, role, head => head with { Pool = pool, NotBefore = null }, cancellationToken);

    /// <summary>As <see cref="GrantAsync"/>, but leaves a role alone that somebody trains: who places it saw it free a moment ago, and it may have been claimed since.</summary>
    /// <returns>Null where it has a live owner.</returns>
    public Task<RoleHead?> TryGrantAsync(string run, Role role, string pool, TimeSpan ownerTimeout, CancellationToken cancellationToken) =>
        _ownership.FenceAsync(run, role, head => head with { Pool = pool, NotBefore = null }, ownerTimeout, cancellationToken);

    /// <summary>Lets the role be claimed again, with its failures forgotten; does nothing where it was never claimed.</summary>
    public Task FreeAsync(string run, Role role, CancellationToken cancellationToken) => _ownership.UpdateHeadAsync(
        run,
        role,
        head => head is { Held: false, Attempts: 0, NotBefore: null } ? head : head with { Held = false, Attempts = 0, Tried = null, NotBefore = null },
        cancellationToken);

    /// <summary>Takes the role from whoever has it, or had it last: the next claim waits for nobody.</summary>
    public Task TakeBackAsync(string run, Role role, CancellationToken cancellationToken) => _ownership.FenceAsync(run, role, head => head, cancellationToken);

    /// <summary>Says that the claim's owner still lives.</summary>
    /// <returns>False when the claim was given back or taken away: stop training.</returns>
    public Task<bool> RenewAsync(RoleClaim claim, CancellationToken cancellationToken) => _keeper.RenewAsync(claim, cancellationToken);

    /// <summary>Gives the role back, so that the next claim need not wait; does nothing where another has claimed it since.</summary>
    public Task ReleaseAsync(RoleClaim claim, CancellationToken cancellationToken) => _keeper.ReleaseAsync(claim, cancellationToken);

    /// <summary>The head; null before the first claim.</summary>
    /// <exception cref="CheckpointException">It is unreadable, another run's or a newer version's.</exception>
    public async Task<RoleHead?> ReadHeadAsync(string run, Role role, CancellationToken cancellationToken) =>
        (await _records.ReadHeadAsync(new RoleBlobs(run, role), cancellationToken))?.Head;

    /// <summary>The owner record, whatever its age, unless its owner gave the role back with its last commit; null when the role was never claimed.</summary>
    /// <param name="run">The run.</param>
    /// <param name="role">The role.</param>
    /// <param name="head">The head, read before.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public async Task<RoleOwner?> ReadOwnerAsync(string run, Role role, RoleHead? head, CancellationToken cancellationToken) =>
        await ReadOwnerAsync(run, role, cancellationToken) is { } owner && RoleOwnership.IsHeld(owner, head) ? owner : null;

    /// <summary>The owner record, whatever its age; null when the role was never claimed.</summary>
    public async Task<RoleOwner?> ReadOwnerAsync(string run, Role role, CancellationToken cancellationToken) =>
        (await _records.ReadOwnerAsync(new RoleBlobs(run, role), cancellationToken))?.Owner;

    /// <summary>The owner if a claim would find it alive; null when the role is free to be claimed.</summary>
    public async Task<RoleOwner?> ReadLiveOwnerAsync(
        string run, Role role, Func<string, bool> isKnownDead, TimeSpan ownerTimeout, CancellationToken cancellationToken)
    {
        var head = await ReadHeadAsync(run, role, cancellationToken);
        return await ReadLiveOwnerAsync(run, role, head, isKnownDead, ownerTimeout, cancellationToken);
    }

    /// <summary>As the other overload, where the head was just read.</summary>
    public async Task<RoleOwner?> ReadLiveOwnerAsync(
        string run, Role role, RoleHead? head, Func<string, bool> isKnownDead, TimeSpan ownerTimeout, CancellationToken cancellationToken)
    {
        var record = await _records.ReadOwnerAsync(new RoleBlobs(run, role), cancellationToken);
        return record is not null && await _ownership.IsLiveAsync(record, head, isKnownDead, ownerTimeout, cancellationToken) ? record.Owner : null;
    }

    /// <summary>
    /// Checkpoints from the head down its parents, newest first; those whose manifest cannot be read are left out. All but the newest few have lost
    /// their tensors to the sweep; manifests and metrics stay.
    /// </summary>
    public Task<IReadOnlyList<CommittedCheckpoint>> HistoryAsync(string run, Role role, CancellationToken cancellationToken) =>
        HistoryAsync(run, role, afterStep: 0, cancellationToken);

    /// <summary>As the other overload, but only the checkpoints of more than <paramref name="afterStep"/> steps.</summary>
    public async Task<IReadOnlyList<CommittedCheckpoint>> HistoryAsync(string run, Role role, long afterStep, CancellationToken cancellationToken)
    {
        var blobs = new RoleBlobs(run, role);
        var history = new List<CommittedCheckpoint>();
        if (await _records.ReadHeadAsync(blobs, cancellationToken) is { } record)
        {
            await foreach (var link in _chain.WalkAsync(blobs, record.Head, cancellationToken))
            {
                if (link.Manifest?.Step <= afterStep)
                {
                    break;
                }

                if (link.Manifest is not null)
                {
                    history.Add(new CommittedCheckpoint(link.Folder, link.Manifest));
                }
            }
        }

        return history;
    }

    /// <summary>
    /// Walks the chain of hashes from the head to the first checkpoint, newest first: manifests, parents, steps without gaps, epochs, data, numerics class,
    /// and every byte of the parts that are kept. Ends at a link that cannot be read.
    /// </summary>
    /// <param name="run">The run.</param>
    /// <param name="role">The role.</param>
    /// <param name="dataManifestSha256">The data that every link must have been trained on.</param>
    /// <param name="numerics">The class that every link must have been trained in.</param>
    /// <param name="cancellationToken">Ends the walk.</param>
    /// <returns>Empty when nothing was ever committed.</returns>
    /// <exception cref="CheckpointException">The head cannot be read.</exception>
    public Task<IReadOnlyList<VerifiedCheckpoint>> VerifyAsync(
        string run, Role role, string dataManifestSha256, NumericsClass numerics, CancellationToken cancellationToken) =>
        _verification.WalkAsync(new RoleBlobs(run, role), dataManifestSha256, numerics, cancellationToken);

    /// <summary>The manifest that the head names; null when nothing was committed, or when it cannot be read.</summary>
    public async Task<CheckpointManifest?> ReadNewestAsync(string run, Role role, CancellationToken cancellationToken)
    {
        var blobs = new RoleBlobs(run, role);
        if (await _records.ReadHeadAsync(blobs, cancellationToken) is { } record)
        {
            await foreach (var link in _chain.WalkAsync(blobs, record.Head, cancellationToken))
            {
                return link.Manifest;
            }
        }

        return null;
    }

    /// <summary>Opens the newest whole checkpoint to train on from, every byte verified; the claim's next commit will name it as its parent.</summary>
    /// <param name="claim">The claim.</param>
    /// <param name="expectedDataManifestSha256">The data that training would go on with; null to accept any.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>Null when nothing was ever committed.</returns>
    /// <exception cref="CheckpointException">
    /// There are checkpoints, and none is whole; or they belong to another run, other data or a newer version.
    /// </exception>
    public async Task<OpenedCheckpoint?> OpenAsync(RoleClaim claim, string? expectedDataManifestSha256, CancellationToken cancellationToken)
    {
        var opened = await _opening.OpenAsync(new RoleBlobs(claim.Run, claim.Role), claim.Head, expectedDataManifestSha256, cancellationToken);
        claim.Base = opened?.Reference;
        claim.Opened = opened is null ? null : new KeptCheckpoint(opened.Folder, opened.Manifest.FromStep, opened.Manifest.Step);
        claim.WantsSweep |= opened is { Skipped.Count: > 0 };
        return opened;
    }

    /// <summary>
    /// Whether the claim's head names the checkpoint that a worker has in memory: then its next commit will name it as its parent, and nothing is read.
    /// </summary>
    /// <param name="claim">The claim.</param>
    /// <param name="manifestSha256">SHA-256 of the manifest of the checkpoint in memory; null: the state of step 0.</param>
    public static bool GoOn(RoleClaim claim, string? manifestSha256)
    {
        if (claim.Head.ManifestSha256 != manifestSha256 || (manifestSha256 is not null && claim.Head.Kept is null))
        {
            return false;
        }

        claim.Base = manifestSha256 is null ? null : new CheckpointReference(claim.Head.Checkpoint!, manifestSha256, claim.Head.Step);
        return true;
    }

    /// <summary>Opens the newest whole checkpoint for reading, every byte verified, while its role may be training on.</summary>
    /// <returns>Null when nothing was ever committed.</returns>
    /// <exception cref="CheckpointException">As for the other overload.</exception>
    public async Task<OpenedCheckpoint?> OpenAsync(string run, Role role, string? expectedDataManifestSha256, CancellationToken cancellationToken)
    {
        var blobs = new RoleBlobs(run, role);
        var record = await _records.ReadHeadAsync(blobs, cancellationToken);
        while (record is not null)
        {
            OpenedCheckpoint? opened = null;
            CheckpointException? failure = null;
            try
            {
                opened = await _opening.OpenAsync(blobs, record.Head, expectedDataManifestSha256, cancellationToken);
                if (opened is null or { Skipped.Count: 0 })
                {
                    return opened;
                }
            }
            catch (CheckpointException e)
            {
                failure = e;
            }

            // What was missing may have been swept because training has moved on since.
            var now = await _records.ReadHeadAsync(blobs, cancellationToken);
            if (now is null || now.Head.Checkpoint == record.Head.Checkpoint)
            {
                return failure is null ? opened : throw failure;
            }

            record = now;
        }

        return null;
    }

    /// <summary>
    /// Makes a checkpoint durable and moves the head to it. Safe to repeat after any exception: a commit that did happen is recognised. Committing
    /// the step where the head already stands does nothing.
    /// </summary>
    /// <exception cref="ArgumentException">The steps do not follow on what the claim opened or committed last, or the parts' names are no good.</exception>
    /// <exception cref="InvalidOperationException">There are checkpoints, and the claim has opened none.</exception>
    public Task<CommitOutcome> CommitAsync(RoleClaim claim, CommitRequest request, CancellationToken cancellationToken) =>
        StorageTelemetry.MeasureAsync(claim, request.Step, () => _commit.CommitAsync(claim, request, cancellationToken));

    /// <summary>The claim of a worker that cannot keep records itself, read from the store: for whoever keeps them in its stead.</summary>
    /// <param name="run">The run.</param>
    /// <param name="role">The role.</param>
    /// <param name="worker">The owner's name.</param>
    /// <param name="epoch">The claim's epoch.</param>
    /// <param name="before">The head as it was before the claim, if it is to be forgiven.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>Null when the claim was given back or taken away.</returns>
    /// <exception cref="CheckpointException">The head is unreadable, another run's or a newer version's.</exception>
    public async Task<RoleClaim?> ResumeAsync(string run, Role role, string worker, long epoch, RoleHead? before, CancellationToken cancellationToken)
    {
        var blobs = new RoleBlobs(run, role);
        var owner = await _records.ReadOwnerAsync(blobs, cancellationToken);
        if (owner is null || owner.Owner.Worker != worker || owner.Owner.Epoch != epoch)
        {
            return null;
        }

        var head = await _records.ReadHeadAsync(blobs, cancellationToken);
        return head is null || head.Head.Epoch != epoch || !RoleOwnership.IsHeld(owner.Owner, head.Head) ? null
            : new RoleClaim(run, role, owner.Owner, owner.ETag, before ?? head.Head, head.Head, head.ETag, takenFrom: null);
    }

    /// <summary>
    /// Commits parts that a worker wrote which cannot keep records itself: believes nothing of what it says, reads every part once, and only then moves the head.
    /// Safe to repeat.
    /// </summary>
    /// <param name="claim">From <see cref="ResumeAsync"/>.</param>
    /// <param name="request">What is committed; its <see cref="CommitRequest.Parts"/> are not looked at.</param>
    /// <param name="written">What the worker says it wrote.</param>
    /// <param name="trainedFrom">The checkpoint that it says it trained from; null: none.</param>
    /// <param name="cancellationToken">Ends the wait; the head may have moved.</param>
    /// <returns>Null when the folder has another manifest.</returns>
    /// <exception cref="InvalidDataException">A part is missing or other than told, or the steps do not follow on what is there.</exception>
    public async Task<CommitOutcome?> SealAsync(
        RoleClaim claim, CommitRequest request, WrittenParts written, CheckpointReference? trainedFrom, CancellationToken cancellationToken)
    {
        var blobs = new RoleBlobs(claim.Run, claim.Role);
        if (!blobs.IsCheckpoint(written.Folder) || !blobs.TryReadFolder(written.Folder, out var folder, out var step, out var epoch) || step != request.Step || epoch != claim.Epoch)
        {
            throw new InvalidDataException($"'{written.Folder}' is no folder for step {request.Step} of {claim.Role} at epoch {claim.Epoch}.");
        }

        if (claim.Head.Checkpoint == folder)
        {
            var link = await _chain.ReadAsync(blobs, folder, claim.Head.ManifestSha256, cancellationToken);
            return new CommitOutcome.Committed(link.Manifest ?? throw new InvalidDataException(link.Fault));
        }

        await StandOnAsync(claim, request.DataManifestSha256, trainedFrom, cancellationToken);
        try
        {
            CheckpointCommit.CheckNames([.. written.Parts.Select(part => part.Name)]);
            CheckpointCommit.CheckBase(claim, request);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            throw new InvalidDataException(e.Message, e);
        }

        return await _chain.FindBadPartAsync(folder, written.Parts, kept: null, cancellationToken) is { } bad
            ? throw new InvalidDataException($"{bad}. Nothing was committed.")
            : await _keeper.SealAsync(claim, request, written, cancellationToken);
    }

    /// <summary>Whether a blob is a part of a checkpoint that the claim may commit next.</summary>
    /// <param name="claim">The claim, with its head as it stands.</param>
    /// <param name="name">The blob.</param>
    /// <param name="target">The role's last step.</param>
    /// <param name="cancellationToken">Ends the look.</param>
    public async Task<bool> IsNextPartAsync(RoleClaim claim, string name, long target, CancellationToken cancellationToken)
    {
        var blobs = new RoleBlobs(claim.Run, claim.Role);
        return blobs.TryReadFolder(name, out var folder, out var step, out var epoch) && blobs.IsCheckpoint(folder)
            && epoch == claim.Epoch && step <= target
            && BlobName.IsSegment(name.AsSpan(folder.Length)) && !name.AsSpan(folder.Length).Equals(RoleBlobs.ManifestName, StringComparison.OrdinalIgnoreCase)
            && !await _store.ExistsAsync(folder + RoleBlobs.ManifestName, cancellationToken); // what has a manifest is never written again
    }

    // A worker may say that the newest checkpoint is damaged. Whether it is this process finds out by itself.
    private async Task StandOnAsync(RoleClaim claim, string dataManifestSha256, CheckpointReference? trainedFrom, CancellationToken cancellationToken)
    {
        if (trainedFrom?.Folder == claim.Head.Checkpoint && GoOn(claim, trainedFrom?.ManifestSha256))
        {
            return;
        }

        var found = await OpenAsync(claim, dataManifestSha256, cancellationToken);
        if (found?.Reference != trainedFrom)
        {
            throw new InvalidDataException(
                $"A commit of {claim.Role} in run '{claim.Run}' says that it was trained from {trainedFrom?.Folder ?? "nothing"}; the newest whole checkpoint is {found?.Folder ?? "none"}.");
        }
    }

    /// <summary>
    /// Finds out whether a commit that threw took effect. To be called before a commit of further steps, which must say what it follows on:
    /// <see cref="RoleClaim.Head"/> then says it. Reads nothing where no commit threw.
    /// </summary>
    /// <returns>False when the role was claimed by another since.</returns>
    public async Task<bool> SettleAsync(RoleClaim claim, CancellationToken cancellationToken) => await _commit.SettleAsync(claim, cancellationToken) is null;

    /// <summary>
    /// Writes a head that is missing or unreadable anew, so that it names the newest whole checkpoint. To be called when a person takes a run up again, not
    /// while its role may be training: an unreadable head fences everyone.
    /// </summary>
    /// <param name="run">The run.</param>
    /// <param name="role">The role.</param>
    /// <param name="newestToo">Also where the head can be read but its checkpoint is not whole: for roles that are done, which no slice will open and train on.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <returns>What was wrong and what was done, for people; null when there was nothing to mend.</returns>
    /// <exception cref="CheckpointException">There is no whole checkpoint to name, or one is another run's or a newer version's.</exception>
    public Task<string?> RepairHeadAsync(string run, Role role, bool newestToo, CancellationToken cancellationToken) =>
        _repair.RepairAsync(new RoleBlobs(run, role), newestToo, cancellationToken);

    /// <summary>Deletes the tensors that the claim's commits have replaced, as far as <see cref="CommitRequest.Retention"/> allows. Lists nothing.</summary>
    public async Task TrimAsync(RoleClaim claim, CancellationToken cancellationToken)
    {
        while (claim.Superseded.Count > 0)
        {
            await _store.DeleteAsync(claim.Superseded[^1], cancellationToken);
            claim.Superseded.RemoveAt(claim.Superseded.Count - 1);
        }
    }

    /// <summary>Deletes the tensors of checkpoints that <paramref name="retention"/> does not keep, and what crashed or fenced commits left.</summary>
    /// <param name="run">The run.</param>
    /// <param name="role">The role.</param>
    /// <param name="retention">What is kept; at least 2, for the newest may turn out corrupt.</param>
    /// <param name="cancellationToken">Ends the sweep; what is left is for the next.</param>
    public async Task SweepAsync(string run, Role role, RetentionSpec retention, CancellationToken cancellationToken)
    {
        foreach (var blob in await _sweep.FindAsync(run, role, retention, cancellationToken))
        {
            await _store.DeleteAsync(blob.Name, cancellationToken);
        }
    }

    /// <summary>Sweeps the claim's role, and notes that nothing is left behind.</summary>
    public async Task SweepAsync(RoleClaim claim, RetentionSpec retention, CancellationToken cancellationToken)
    {
        await _keeper.SweepAsync(claim, retention, cancellationToken);
        claim.WantsSweep = false;
        claim.Superseded.Clear();
    }

    /// <summary>
    /// What <see cref="SweepAsync(string, Role, RetentionSpec, CancellationToken)"/> would delete now, in the order in which it must be deleted. Safe to delete
    /// while the role trains on.
    /// </summary>
    public Task<IReadOnlyList<BlobInfo>> FindSweepableAsync(string run, Role role, RetentionSpec retention, CancellationToken cancellationToken) =>
        _sweep.FindAsync(run, role, retention, cancellationToken);
}
