using Microsoft.Extensions.Logging;

namespace Ddm.Storage;

/// <summary>
/// Makes a checkpoint durable: parts, then the manifest that names them, then the head that names the manifest. A crash before the head leaves an
/// orphan.
/// </summary>
internal sealed class CheckpointCommit(IBlobStore store, RoleRecords records, IRoleKeeper keeper, ILogger logger)
{
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
            return CheckpointSeal.Fenced(claim, head, logger);
        }

        if (head.ETag != claim.HeadETag)
        {
            // Our epoch and yet not what we left: an earlier commit of ours, whose reply was lost.
            claim.Stand(head.Head, head.ETag);
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
        for (var attempt = 0; attempt < RoleBlobs.MostAttempts; attempt++)
        {
            var folder = blobs.Checkpoint(request.Step, claim.Epoch, attempt);
            if (await TryWritePartsAsync(folder, request, cancellationToken) is { } parts
                && await keeper.SealAsync(claim, request, new WrittenParts(folder, parts), cancellationToken) is { } outcome)
            {
                return outcome;
            }

            // an earlier try of ours got as far as this folder
        }

        throw new IOException($"{RoleBlobs.MostAttempts} tries to write step {request.Step} of {claim.Role} in run '{claim.Run}' at epoch {claim.Epoch} were "
            + "cut off. Claim the role again.");
    }

    /// <returns>What was written; null when the folder holds something else already.</returns>
    private async Task<IReadOnlyList<CheckpointPart>?> TryWritePartsAsync(string folder, CommitRequest request, CancellationToken cancellationToken)
    {
        var parts = new List<CheckpointPart>(request.Parts.Count);
        foreach (var (name, write) in request.Parts)
        {
            CheckpointPart? part = null;
            var written = await store.TryWriteStreamAsync(
                folder + name, async (stream, token) => part = await CheckpointPart.WriteAsync(name, write, stream, token), WriteCondition.IfAbsent, cancellationToken);
            if (!written && (part is null || !await HoldsAsync(folder, part, cancellationToken)))
            {
                return null;
            }

            parts.Add(part!);
        }

        return parts;
    }

    /// <summary>Whether the blob is what was just written: a client that retries by itself may report its own first try as somebody else's.</summary>
    private async Task<bool> HoldsAsync(string folder, CheckpointPart part, CancellationToken cancellationToken)
    {
        await using var stream = await store.OpenReadAsync(folder + part.Name, cancellationToken);
        return stream is not null && await HashingStream.HashAsync(stream, cancellationToken) == (part.Length, part.Sha256);
    }

    private static void Check(CommitRequest request) => CheckNames([.. request.Parts.Select(part => part.Name)]);

    /// <summary>Whether parts may be named so.</summary>
    /// <exception cref="ArgumentException">They may not.</exception>
    public static void CheckNames(IReadOnlyList<string> parts)
    {
        var names = parts.Append(RoleBlobs.ManifestName).ToHashSet(StringComparer.OrdinalIgnoreCase);
        if (parts.Count == 0 || names.Count != parts.Count + 1)
        {
            throw new ArgumentException($"A checkpoint needs parts of different names, none of them {RoleBlobs.ManifestName}.", nameof(parts));
        }

        if (parts.FirstOrDefault(part => !BlobName.IsSegment(part)) is { } bad)
        {
            throw new ArgumentException($"'{bad}' cannot name a checkpoint's part: it must be one segment of a blob name.", nameof(parts));
        }
    }

    /// <summary>Whether a commit follows on what the claim stands on.</summary>
    /// <exception cref="ArgumentException">Its steps do not.</exception>
    /// <exception cref="InvalidOperationException">The claim has opened nothing, and there are checkpoints.</exception>
    public static void CheckBase(RoleClaim claim, CommitRequest request)
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
