using Ddm.Runs;
using Microsoft.Extensions.Logging;

namespace Ddm.Storage;

/// <summary>
/// Deletes what nothing needs: the tensors of checkpoints that newer ones have replaced, and all of what crashed or fenced commits left. Manifests and
/// metrics of the chain stay, so that a run's history can be read and verified from its first step. What the present owner may be writing stays too.
/// </summary>
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
        var replaced = new Stack<string>(); // oldest on top: a sweep that is cut off leaves no tensors behind a link without any
        await foreach (var link in chain.WalkAsync(blobs, record.Head, cancellationToken))
        {
            kept.Add(link.Folder);
            cut = link.Manifest is null;
            if (good == keep)
            {
                if (!folders.TryGetValue(link.Folder, out var older) || !older.HasTensors)
                {
                    break; // an earlier sweep came this far
                }

                replaced.Push(link.Folder);
                continue;
            }

            if (link.Manifest is { } manifest && folders.TryGetValue(link.Folder, out var present) && present.HasAll(manifest.Parts))
            {
                oldestGood = manifest.Step;
                good++;
            }
        }

        foreach (var name in replaced)
        {
            await DeleteAsync(name, folders[name].Tensors, cancellationToken);
        }

        foreach (var (name, folder) in folders)
        {
            // Older epochs can commit no more. In the present epoch the owner writes only beyond the checkpoint it opened, which is a kept one.
            var abandoned = folder.Epoch < record.Head.Epoch || (folder.Epoch == record.Head.Epoch && folder.Step < oldestGood);

            // Where the chain is cut short, a whole checkpoint that nothing names may be what a person goes back to.
            // One that has a manifest and no tensors is history.
            var useful = folder.Lengths.ContainsKey(RoleBlobs.ManifestName) && (cut || !folder.HasTensors);
            if (abandoned && !useful && !kept.Contains(name))
            {
                // The manifest first: a sweep cut off half-way must not leave a manifest without its parts.
                await DeleteAsync(name, folder.Lengths.Keys.OrderBy(blob => blob != RoleBlobs.ManifestName), cancellationToken);
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

    private async Task DeleteAsync(string name, IEnumerable<string> blobs, CancellationToken cancellationToken)
    {
        foreach (var blob in blobs)
        {
            await store.DeleteAsync(name + blob, cancellationToken);
        }

        logger.LogDebug("Swept {Folder}", name);
    }

    private sealed record Folder(long Step, long Epoch, Dictionary<string, long> Lengths)
    {
        public IEnumerable<string> Tensors => Lengths.Keys.Where(blob => blob.EndsWith(RoleBlobs.TensorExtension, StringComparison.Ordinal));

        public bool HasTensors => Tensors.Any();

        public bool HasAll(IReadOnlyList<CheckpointPart> parts) => parts.All(part => Lengths.GetValueOrDefault(part.Name, -1) == part.Length);
    }
}
