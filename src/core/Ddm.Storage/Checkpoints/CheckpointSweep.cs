using Ddm.Runs;
using Microsoft.Extensions.Logging;

namespace Ddm.Storage;

/// <summary>Deletes checkpoints that nothing needs. What the head or a kept parent names stays, and so does whatever the present owner may be writing.</summary>
internal sealed class CheckpointSweep(IBlobStore store, RoleRecords records, CheckpointChain chain, ILogger logger)
{
    public async Task SweepAsync(string run, Role role, int keep, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(keep, 2);
        var blobs = new RoleBlobs(run, role);
        if (await records.ReadHeadAsync(blobs, cancellationToken) is not { } record)
        {
            return;
        }

        var folders = await ListFoldersAsync(blobs, cancellationToken);
        var kept = new HashSet<string>(StringComparer.Ordinal);
        var good = 0;
        var oldestGood = 0L;
        var cut = false;
        await foreach (var link in chain.WalkAsync(blobs, record.Head, cancellationToken))
        {
            kept.Add(link.Folder);
            cut = link.Manifest is null;
            if (link.Manifest is { } manifest && manifest.Parts.All(part => folders.GetValueOrDefault(link.Folder)?.Lengths.GetValueOrDefault(part.Name, -1) == part.Length))
            {
                oldestGood = manifest.Step;
                if (++good == keep)
                {
                    break;
                }
            }
        }

        foreach (var (name, folder) in folders)
        {
            // Older epochs can commit no more. In the present epoch the owner writes only beyond the checkpoint it opened, which is a kept one.
            var abandoned = folder.Epoch < record.Head.Epoch || (folder.Epoch == record.Head.Epoch && folder.Step < oldestGood);

            // Where the chain is cut short, a whole checkpoint that nothing names may be what a person goes back to.
            var useful = cut && folder.Lengths.ContainsKey(RoleBlobs.ManifestName);
            if (abandoned && !useful && !kept.Contains(name))
            {
                await DeleteAsync(name, folder, cancellationToken);
            }
        }
    }

    private async Task<SortedDictionary<string, Folder>> ListFoldersAsync(RoleBlobs blobs, CancellationToken cancellationToken)
    {
        var folders = new SortedDictionary<string, Folder>(StringComparer.Ordinal);
        await foreach (var blob in store.ListAsync(blobs.Checkpoints, cancellationToken))
        {
            if (!blobs.TryReadFolder(blob.Name, out var name, out var step, out var epoch))
            {
                continue; // not ours to delete
            }

            if (!folders.TryGetValue(name, out var folder))
            {
                folders.Add(name, folder = new Folder(step, epoch, []));
            }

            folder.Lengths.Add(blob.Name[name.Length..], blob.Length);
        }

        return folders;
    }

    private async Task DeleteAsync(string name, Folder folder, CancellationToken cancellationToken)
    {
        // The manifest first: a sweep cut off half-way must not leave a manifest without its parts.
        foreach (var blob in folder.Lengths.Keys.OrderBy(blob => blob != RoleBlobs.ManifestName))
        {
            await store.DeleteAsync(name + blob, cancellationToken);
        }

        logger.LogDebug("Swept {Folder}", name);
    }

    private sealed record Folder(long Step, long Epoch, Dictionary<string, long> Lengths);
}
