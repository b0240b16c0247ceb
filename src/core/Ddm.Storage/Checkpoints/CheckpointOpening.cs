using Microsoft.Extensions.Logging;

namespace Ddm.Storage;

/// <summary>Finds the newest checkpoint that is whole, and says what it passed over.</summary>
internal sealed class CheckpointOpening(IBlobStore store, CheckpointChain chain, ILogger logger)
{
    /// <summary>The newest whole checkpoint below <paramref name="head"/>; null when nothing was ever committed.</summary>
    /// <exception cref="CheckpointException">There are checkpoints, and none is whole; or one belongs elsewhere.</exception>
    public async Task<OpenedCheckpoint?> OpenAsync(
        RoleBlobs blobs, RoleHead head, string? expectedDataManifestSha256, CancellationToken cancellationToken)
    {
        var skipped = new List<string>();
        await foreach (var link in chain.WalkAsync(blobs, head, cancellationToken))
        {
            if (link.Manifest is { } found && expectedDataManifestSha256 is not null && found.DataManifestSha256 != expectedDataManifestSha256)
            {
                throw new CheckpointException(
                    $"{link.Folder} was trained on data with manifest sha256 {found.DataManifestSha256}; the data now has {expectedDataManifestSha256}. "
                    + "Training does not go on across a change of data: bring the old data back, or start a run with a new name.");
            }

            var kept = new Dictionary<string, byte[]>(StringComparer.Ordinal);
            var fault = link.Fault ?? await chain.FindBadPartAsync(link, kept, cancellationToken);
            if (fault is null)
            {
                Report(blobs, skipped, link);
                return new OpenedCheckpoint(store, new CheckpointReference(link.Folder, link.ManifestSha256, link.Manifest!.Step), link.Manifest, skipped, kept);
            }

            skipped.Add(fault);
        }

        return skipped.Count == 0
            ? null
            : throw new CheckpointException(
                $"No checkpoint of {blobs.Role} in run '{blobs.Run}' is whole: {string.Join("; ", skipped)}. "
                + "Training does not begin anew by itself: restore the blobs from a backup, "
                + $"or delete {blobs.Head} and {blobs.Checkpoints} to begin this role anew.");
    }

    private void Report(RoleBlobs blobs, List<string> skipped, ChainLink used)
    {
        foreach (var fault in skipped)
        {
            logger.LogWarning(
                "Checkpoint of {Role} in run {Run} passed over: {Fault}; going on from {Folder} at step {Step}",
                blobs.Role, blobs.Run, fault, used.Folder, used.Manifest!.Step);
        }
    }
}
