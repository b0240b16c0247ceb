using Microsoft.Extensions.Logging;

namespace Ddm.Storage;

/// <summary>
/// Writes a head anew from the checkpoints themselves. A checkpoint that no head named is as good as one that a head named: its parts are whole, and the
/// same steps give the same state.
/// </summary>
internal sealed class HeadRepair(IBlobStore store, RoleRecords records, CheckpointChain chain, ILogger logger)
{
    /// <summary>Mends a head; with <paramref name="newestToo"/> also one that can be read but names a checkpoint that is not whole.</summary>
    public async Task<string?> RepairAsync(RoleBlobs blobs, bool newestToo, CancellationToken cancellationToken)
    {
        var content = await store.ReadAsync(blobs.Head, cancellationToken);
        if ((FindFault(blobs, content) ?? (newestToo ? await FindFaultOfNewestAsync(blobs, cancellationToken) : null)) is not { } fault)
        {
            return null;
        }

        var folders = await ListAsync(blobs, cancellationToken);
        if (folders.Count == 0 && content is null)
        {
            return null; // never claimed
        }

        var faults = new List<string>();
        foreach (var (folder, _, _) in folders.OrderByDescending(found => (found.Step, found.Epoch)).ThenByDescending(found => found.Name, StringComparer.Ordinal))
        {
            var link = await chain.ReadAsync(blobs, folder, null, cancellationToken);
            if ((link.Fault ?? await chain.FindBadPartAsync(link, null, cancellationToken)) is { } bad)
            {
                faults.Add(bad);
                continue;
            }

            var epoch = Math.Max(folders.Max(found => found.Epoch), (await records.ReadOwnerAsync(blobs, cancellationToken))?.Owner.Epoch ?? 0);
            return await WriteAsync(blobs, content, fault, link, epoch, cancellationToken);
        }

        throw new CheckpointException($"{fault}, and no checkpoint of {blobs.Role} in run '{blobs.Run}' is whole"
            + (faults.Count == 0 ? "" : $": {string.Join("; ", faults)}")
            + $". Training does not begin anew by itself: restore the blobs from a backup, or delete {blobs.Head} and {blobs.Checkpoints} to begin this role anew.");
    }

    private static string? FindFault(RoleBlobs blobs, BlobContent? content)
    {
        if (content is null)
        {
            return $"{blobs.Head} is missing";
        }

        try
        {
            BlobJson.Parse<RoleHead>(blobs.Head, content.Bytes);
            return null; // whether it belongs here is for whoever reads it to say
        }
        catch (InvalidDataException e)
        {
            return e.Message;
        }
    }

    private async Task<string?> FindFaultOfNewestAsync(RoleBlobs blobs, CancellationToken cancellationToken)
    {
        if (await records.ReadHeadAsync(blobs, cancellationToken) is { Head.Checkpoint: not null } record)
        {
            await foreach (var link in chain.WalkAsync(blobs, record.Head, cancellationToken))
            {
                return (link.Fault ?? await chain.FindBadPartAsync(link, null, cancellationToken)) is { } bad ? $"{blobs.Head} named a checkpoint that is damaged: {bad}" : null;
            }
        }

        return null;
    }

    private async Task<string> WriteAsync(
        RoleBlobs blobs, BlobContent? content, string fault, ChainLink link, long epoch, CancellationToken cancellationToken)
    {
        var manifest = link.Manifest!;
        var head = new RoleHead
        {
            Schema = RoleHead.CurrentSchema,
            Epoch = epoch,
            Step = manifest.Step,
            Checkpoint = link.Folder,
            ManifestSha256 = link.ManifestSha256,
            Parent = manifest.Parent,
            ParentManifestSha256 = manifest.ParentManifestSha256,
        };
        var condition = content is null ? WriteCondition.IfAbsent : WriteCondition.IfMatch(content.ETag);
        if (await store.SwapAsync(blobs.Head, head, condition, cancellationToken) is null)
        {
            throw new CheckpointException($"{blobs.Head} was changed by another while it was being mended. Try again.");
        }

        var done = $"{fault.TrimEnd('.')}. It was written anew and names {link.Folder} at step {manifest.Step}.";
        logger.LogWarning("Head of {Role} in run {Run} mended: {Done}", blobs.Role, blobs.Run, done);
        return done;
    }

    private async Task<List<(string Name, long Step, long Epoch)>> ListAsync(RoleBlobs blobs, CancellationToken cancellationToken)
    {
        var folders = new HashSet<(string, long, long)>();
        await foreach (var blob in store.ListAsync(blobs.Checkpoints, cancellationToken))
        {
            if (blobs.TryReadFolder(blob.Name, out var folder, out var step, out var epoch))
            {
                folders.Add((folder, step, epoch));
            }
        }

        return [.. folders];
    }
}
