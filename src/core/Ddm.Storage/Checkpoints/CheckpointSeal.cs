using Ddm.Runs;
using Microsoft.Extensions.Logging;

namespace Ddm.Storage;

/// <summary>The end of a commit: the manifest that names the parts, then the head that names the manifest.</summary>
internal sealed class CheckpointSeal(IBlobStore store, RoleRecords records, TimeProvider clock, ILogger logger)
{
    /// <summary>As <see cref="IRoleKeeper.SealAsync"/>.</summary>
    public async Task<CommitOutcome?> SealAsync(RoleClaim claim, CommitRequest request, WrittenParts written, CancellationToken cancellationToken)
    {
        var manifest = CheckpointManifest.Of(claim, request, written.Parts, clock.GetUtcNow());
        if (await store.SwapAsync(written.Folder + RoleBlobs.ManifestName, manifest, WriteCondition.IfAbsent, cancellationToken) is null)
        {
            return null;
        }

        var reference = new CheckpointReference(written.Folder, Sha256.Of(BlobJson.Serialize(manifest)), request.Step);
        return await MoveHeadAsync(new RoleBlobs(claim.Run, claim.Role), claim, request, reference, manifest, cancellationToken);
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
                return Fenced(claim, now, logger);
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

    /// <summary>Tells that the claim's commits come too late.</summary>
    public static CommitOutcome.Fenced Fenced(RoleClaim claim, HeadRecord? head, ILogger logger)
    {
        var epoch = head?.Head.Epoch ?? 0;
        logger.LogWarning(
            "{Worker} is fenced off {Role} of run {Run}: its epoch is {Epoch}, the head's {HeadEpoch}",
            claim.Worker, claim.Role, claim.Run, claim.Epoch, epoch);
        return new CommitOutcome.Fenced(epoch);
    }
}
