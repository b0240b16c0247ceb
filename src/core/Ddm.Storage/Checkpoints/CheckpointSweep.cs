using Ddm.Runs;

namespace Ddm.Storage;

/// <summary>
/// Finds what nothing needs: the tensors of checkpoints that newer ones have replaced, and all of what crashed or fenced commits left. Manifests and
/// metrics of the chain stay, so that a run's history can be read and verified from its first step. What the present owner may be writing stays too.
/// </summary>
internal sealed class CheckpointSweep(IBlobStore store, RoleRecords records, CheckpointChain chain)
{
    /// <summary>What may go, in the order in which it must go, so that a sweep that is cut off anywhere leaves nothing that looks whole and is not.</summary>
    public async Task<IReadOnlyList<BlobInfo>> FindAsync(string run, Role role, RetentionSpec retention, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(retention.KeepLast, 2, nameof(retention));
        var blobs = new RoleBlobs(run, role);
        if (await records.ReadHeadAsync(blobs, cancellationToken) is not { } record)
        {
            return [];
        }

        var folders = await ListFoldersAsync(blobs, cancellationToken);
        var kept = new HashSet<string>(StringComparer.Ordinal);
        var good = 0;
        var oldestGood = 0L;
        var cut = false;
        var replaced = new Stack<string>(); // oldest on top: a sweep that is cut off leaves no tensors behind a link without any, milestones apart
        await foreach (var link in chain.WalkAsync(blobs, record.Head, cancellationToken))
        {
            kept.Add(link.Folder);
            cut = link.Manifest is null;
            var folder = folders.GetValueOrDefault(link.Folder);
            if (good == retention.KeepLast)
            {
                var swept = folder is null or { HasTensors: false };
                if (swept && !folders.Any(other => other.Value is { HasTensors: true, HasManifest: true } && !kept.Contains(other.Key)))
                {
                    break; // an earlier sweep came this far; what still has tensors behind it is a milestone, or was left by one cut off: a link all the same
                }

                if (!swept && !(link.Manifest is { } old && retention.IsMilestone(old.FromStep, old.Step)))
                {
                    replaced.Push(link.Folder);
                }

                continue;
            }

            if (link.Manifest is { } manifest && folder is not null && folder.HasAll(manifest.Parts))
            {
                oldestGood = manifest.Step;
                good++;
            }
        }

        var found = new List<BlobInfo>();
        foreach (var name in replaced)
        {
            found.AddRange(folders[name].Tensors);
        }

        foreach (var (name, folder) in folders)
        {
            // Older epochs can commit no more. In the present epoch the owner writes only beyond the checkpoint it opened, which is a kept one.
            var abandoned = folder.Epoch < record.Head.Epoch || (folder.Epoch == record.Head.Epoch && folder.Step < oldestGood);

            // Where the chain is cut short, a whole checkpoint that nothing names may be what a person goes back to.
            // One that has a manifest and no tensors is history.
            var useful = folder.HasManifest && (cut || !folder.HasTensors);
            if (abandoned && !useful && !kept.Contains(name))
            {
                // The manifest first: a sweep cut off half-way must not leave a manifest without its parts.
                found.AddRange(folder.Blobs.OrderBy(blob => blob.Key != RoleBlobs.ManifestName).Select(blob => blob.Value));
            }
        }

        return found;
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

            folder.Blobs.Add(blob.Name[name.Length..], blob);
        }

        return folders;
    }

    private sealed record Folder(long Step, long Epoch, Dictionary<string, BlobInfo> Blobs)
    {
        public IEnumerable<BlobInfo> Tensors => Blobs.Values.Where(blob => blob.Name.EndsWith(RoleBlobs.TensorExtension, StringComparison.Ordinal));

        public bool HasTensors => Tensors.Any();

        public bool HasManifest => Blobs.ContainsKey(RoleBlobs.ManifestName);

        public bool HasAll(IReadOnlyList<CheckpointPart> parts) => parts.All(part => Blobs.GetValueOrDefault(part.Name)?.Length == part.Length);
    }
}
