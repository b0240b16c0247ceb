using Ddm.Runs;
using Microsoft.Extensions.Logging;

namespace Ddm.Storage;

/// <summary>
/// Makes a checkpoint durable: parts, then the manifest that names them, then the head that names the manifest. A crash before the head leaves an
/// orphan.
/// </summary>
internal sealed class CheckpointCommit(IBlobStore store, RoleRecords records, TimeProvider clock, ILogger logger)
{
    private const int FolderAttempts = 16;

    public async Task<CommitOutcome> CommitAsync(RoleClaim claim, CommitRequest request, CancellationToken cancellationToken)
    {
        Check(request);
        var blobs = new RoleBlobs(claim.Run, claim.Role);
        if (await SettleAsync(claim, cancellationToken) is { } fenced)
        {
            return fenced;
        }

        claim.IsUnsure = true;
        var outcome = await CommitKnownAsync(blobs, claim, request, cancellationToken);
        claim.IsUnsure = false;
        return outcome;
    }

    /// <summary>Finds out whether a commit that threw took effect; null where the claim holds, and then it knows where its head stands.</summary>
    public async Task<CommitOutcome.Fenced?> SettleAsync(RoleClaim claim, CancellationToken cancellationToken)
    {
        if (!claim.IsUnsure)
        {
            return null;
        }

        var head = await records.ReadHeadAsync(new RoleBlobs(claim.Run, claim.Role), cancellationToken);
        if (head is null || head.Head.Epoch != claim.Epoch)
        {
            return Fenced(claim, head);
        }

        if (head.ETag != claim.HeadETag)
        {
            // Our epoch and yet not what we left: an earlier commit of ours, whose reply was lost.
            Adopt(claim, head);
        }

        claim.IsUnsure = false;
        return null;
    }

    private async Task<CommitOutcome> CommitKnownAsync(RoleBlobs blobs, RoleClaim claim, CommitRequest request, CancellationToken cancellationToken)
    {
        if (claim.Base is { } standing && standing.Step == request.Step)
        {
            var name = standing.Folder + RoleBlobs.ManifestName;
            var known = await store.ReadJsonAsync<CheckpointManifest>(name, cancellationToken);
            return new CommitOutcome.Committed(
                known?.Value ?? throw new CheckpointException($"{name} was there when this claim opened or committed it, and is missing now."));
        }

        CheckBase(claim, request);
        var (reference, manifest) = await WriteCheckpointAsync(blobs, claim, request, cancellationToken);
        return await MoveHeadAsync(blobs, claim, request, reference, manifest, cancellationToken);
    }

    private async Task<(CheckpointReference Reference, CheckpointManifest Manifest)> WriteCheckpointAsync(
        RoleBlobs blobs, RoleClaim claim, CommitRequest request, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < FolderAttempts; attempt++)
        {
            var folder = blobs.Checkpoint(request.Step, claim.Epoch, attempt);
            if (await TryWritePartsAsync(folder, request, cancellationToken) is not { } parts)
            {
                continue; // an earlier try of ours got as far as this folder
            }

            var manifest = new CheckpointManifest
            {
                Schema = CheckpointManifest.CurrentSchema,
                Run = claim.Run,
                Role = claim.Role.Path,
                Step = request.Step,
                FromStep = request.FromStep,
                Epoch = claim.Epoch,
                Parent = claim.Base?.Folder,
                ParentManifestSha256 = claim.Base?.ManifestSha256,
                DataManifestSha256 = request.DataManifestSha256,
                Numerics = request.Numerics,
                Parts = parts,
                CommittedAt = clock.GetUtcNow(),
            };
            if (await store.SwapAsync(folder + RoleBlobs.ManifestName, manifest, WriteCondition.IfAbsent, cancellationToken) is not null)
            {
                return (new CheckpointReference(folder, Sha256.Of(BlobJson.Serialize(manifest)), request.Step), manifest);
            }
        }

        throw new IOException($"{FolderAttempts} tries to write step {request.Step} of {claim.Role} in run '{claim.Run}' at epoch {claim.Epoch} were "
            + "cut off. Claim the role again.");
    }

    /// <returns>What was written; null when the folder holds something else already.</returns>
    private async Task<IReadOnlyList<CheckpointPart>?> TryWritePartsAsync(string folder, CommitRequest request, CancellationToken cancellationToken)
    {
        var parts = new List<CheckpointPart>(request.Parts.Count);
        foreach (var (name, write) in request.Parts)
        {
            CheckpointPart? part = null;
            var written = await store.TryWriteStreamAsync(folder + name, WriteHashedAsync, WriteCondition.IfAbsent, cancellationToken);
            if (!written && (part is null || !await HoldsAsync(folder, part, cancellationToken)))
            {
                return null;
            }

            parts.Add(part!);

            async Task WriteHashedAsync(Stream stream, CancellationToken token)
            {
                await using var hashing = new HashingStream(stream);
                await write(hashing, token);
                await hashing.FlushAsync(token);
                part = new CheckpointPart(name, hashing.Length, hashing.Sha256);
            }
        }

        return parts;
    }

    /// <summary>Whether the blob is what was just written: a client that retries by itself may report its own first try as somebody else's.</summary>
    private async Task<bool> HoldsAsync(string folder, CheckpointPart part, CancellationToken cancellationToken)
    {
        await using var stream = await store.OpenReadAsync(folder + part.Name, cancellationToken);
        return stream is not null && await HashingStream.HashAsync(stream, cancellationToken) == (part.Length, part.Sha256);
    }

    private async Task<CommitOutcome> MoveHeadAsync(
        RoleBlobs blobs, RoleClaim claim, CommitRequest request, CheckpointReference reference, CheckpointManifest manifest, CancellationToken cancellationToken)
    {
        var (kept, replaced) = Retain(claim, request.Retention, new KeptCheckpoint(reference.Folder, manifest.FromStep, manifest.Step));
        var next = new RoleHead
        {
            Schema = RoleHead.CurrentSchema,
            Epoch = claim.Epoch,
            Step = manifest.Step,
            Checkpoint = reference.Folder,
            ManifestSha256 = reference.ManifestSha256,
            Parent = manifest.Parent,
            ParentManifestSha256 = manifest.ParentManifestSha256,
            Pool = claim.Head.Pool,
            GivenBack = request.GivesBack,
            OwnerETag = request.GivesBack ? claim.OwnerETag : null,
            Kept = kept,
        };
        var etag = await store.SwapAsync(blobs.Head, next, WriteCondition.IfMatch(claim.HeadETag), cancellationToken);
        if (etag is null)
        {
            var now = await records.ReadHeadAsync(blobs, cancellationToken);
            if (now?.Head.Epoch != claim.Epoch)
            {
                return Fenced(claim, now);
            }

            // Nobody else writes under our epoch. What was just written follows on what stood before: it stays behind, and is for a sweep.
            claim.WantsSweep = true;
            throw new IOException($"an earlier commit of {claim.Role} in run '{claim.Run}', given up as lost, took effect while step {request.Step} was being committed: commit that again");
        }

        (claim.Head, claim.HeadETag, claim.Base) = (next, etag, reference);
        claim.Superseded.AddRange(replaced.SelectMany(old => manifest.Parts.Select(part => part.Name).Where(RoleBlobs.IsTensor).Select(part => old.Folder + part)));
        logger.LogInformation(
            "{Worker} committed {Role} of run {Run} at step {Step}, epoch {Epoch}",
            claim.Worker, claim.Role, claim.Run, next.Step, next.Epoch);
        return new CommitOutcome.Committed(manifest);
    }

    /// <summary>What retention still has to look at, and what it lets go. Milestones are in neither: they stay for good.</summary>
    private static (IReadOnlyList<KeptCheckpoint>? Kept, IReadOnlyList<KeptCheckpoint> Replaced) Retain(
        RoleClaim claim, RetentionSpec? retention, KeptCheckpoint newest)
    {
        // Unknown until the sweep has listed: then the chain from here on is.
        var known = claim.Head.Kept ?? (claim.Head.Checkpoint is null || claim.WantsSweep ? [] : null);
        if (retention is null || known is null)
        {
            return (null, []);
        }

        // A checkpoint passed over as damaged is no link of the chain any more, and a sweep's to delete.
        var below = known.SkipWhile(kept => kept.Folder != claim.Base?.Folder).ToArray();
        KeptCheckpoint[] all = [newest, .. below.Length == 0 && claim.Opened is { } opened && opened.Folder == claim.Base?.Folder ? [opened] : below];
        return (all[..Math.Min(retention.KeepLast, all.Length)], [.. all.Skip(retention.KeepLast).Where(old => !retention.IsMilestone(old.FromStep, old.Step))]);
    }

    private CommitOutcome.Fenced Fenced(RoleClaim claim, HeadRecord? head)
    {
        var epoch = head?.Head.Epoch ?? 0;
        logger.LogWarning(
            "{Worker} is fenced off {Role} of run {Run}: its epoch is {Epoch}, the head's {HeadEpoch}",
            claim.Worker, claim.Role, claim.Run, claim.Epoch, epoch);
        return new CommitOutcome.Fenced(epoch);
    }

    private static void Adopt(RoleClaim claim, HeadRecord head)
    {
        (claim.Head, claim.HeadETag) = (head.Head, head.ETag);
        claim.Base = head.Head.Checkpoint is null ? null : new CheckpointReference(head.Head.Checkpoint, head.Head.ManifestSha256!, head.Head.Step);
    }

    private static void Check(CommitRequest request)
    {
        var names = request.Parts.Select(part => part.Name).Append(RoleBlobs.ManifestName).ToHashSet(StringComparer.OrdinalIgnoreCase);
        if (request.Parts.Count == 0 || names.Count != request.Parts.Count + 1)
        {
            throw new ArgumentException($"A checkpoint needs parts of different names, none of them {RoleBlobs.ManifestName}.", nameof(request));
        }

        if (request.Parts.FirstOrDefault(part => !BlobName.IsSegment(part.Name)).Name is { } bad)
        {
            throw new ArgumentException($"'{bad}' cannot name a checkpoint's part: it must be one segment of a blob name.", nameof(request));
        }
    }

    private static void CheckBase(RoleClaim claim, CommitRequest request)
    {
        if (claim.Head.Checkpoint is not null && claim.Base is null)
        {
            throw new InvalidOperationException($"{claim.Role} of run '{claim.Run}' has checkpoints: "
                + "open the newest with this claim before you commit, or its training would be thrown away.");
        }

        var from = claim.Base?.Step ?? 0;
        if (request.FromStep != from || request.Step < from)
        {
            throw new ArgumentException(
                $"A commit of steps {request.FromStep} to {request.Step} does not follow on step {from}, "
                    + $"where {claim.Role} of run '{claim.Run}' stands.", nameof(request));
        }
    }
}
