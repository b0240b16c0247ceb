using Ddm.Runs;

namespace Ddm.Storage;

/// <summary>Walks a role's chain from its head to its first checkpoint and holds every link against the one above it, and every byte that is kept against its hash.</summary>
internal sealed class ChainVerification(IBlobStore store, RoleRecords records, CheckpointChain chain)
{
    /// <summary>The links, newest first. The walk ends at a link that cannot be read: nothing vouches for what lies below it.</summary>
    /// <exception cref="CheckpointException">The head cannot be read.</exception>
    public async Task<IReadOnlyList<VerifiedCheckpoint>> WalkAsync(
        RoleBlobs blobs, string dataManifestSha256, NumericsClass numerics, CancellationToken cancellationToken)
    {
        var record = await records.ReadHeadAsync(blobs, cancellationToken);
        while (record is not null)
        {
            var links = await WalkAsync(blobs, record.Head, dataManifestSha256, numerics, cancellationToken);
            if (links.All(link => link.Faults.Count == 0))
            {
                return links;
            }

            // Beside a role that trains on, its sweep takes what a walk was about to read.
            var now = await records.ReadHeadAsync(blobs, cancellationToken);
            if (now?.Head.Checkpoint == record.Head.Checkpoint)
            {
                return links;
            }

            record = now;
        }

        return [];
    }

    private async Task<List<VerifiedCheckpoint>> WalkAsync(
        RoleBlobs blobs, RoleHead head, string dataManifestSha256, NumericsClass numerics, CancellationToken cancellationToken)
    {
        var there = new HashSet<string>(StringComparer.Ordinal);
        await foreach (var blob in store.ListAsync(blobs.Checkpoints, cancellationToken))
        {
            there.Add(blob.Name);
        }

        var links = new List<VerifiedCheckpoint>();
        CheckpointManifest? above = null;
        try
        {
            await foreach (var link in chain.WalkAsync(blobs, head, cancellationToken))
            {
                if (link.Manifest is not { } manifest)
                {
                    links.Add(new VerifiedCheckpoint(link.Folder, null, [$"{link.Fault}; what lies below it cannot be verified"], null));
                    break;
                }

                List<string> faults = [.. FindBreaks(blobs, head, above, link), .. FindForeign(link, dataManifestSha256, numerics)];
                var missing = manifest.Parts.Where(part => !there.Contains(link.Folder + part.Name)).ToList();
                var kept = manifest.Parts.Except(missing).ToList();
                faults.AddRange(missing.Where(part => above is null || !part.Name.EndsWith(RoleBlobs.TensorExtension, StringComparison.Ordinal))
                    .Select(part => $"{link.Folder}{part.Name} is missing"));
                if (await chain.FindBadPartAsync(link with { Manifest = manifest with { Parts = kept } }, kept: null, cancellationToken) is { } bad)
                {
                    faults.Add(bad);
                }

                var whole = faults.Count == 0 && missing.Count == 0;
                links.Add(new VerifiedCheckpoint(
                    link.Folder, manifest, faults,
                    whole ? new OpenedCheckpoint(store, new CheckpointReference(link.Folder, link.ManifestSha256, manifest.Step), manifest, [], new Dictionary<string, byte[]>()) : null));
                above = manifest;
            }
        }
        catch (CheckpointException e)
        {
            links.Add(new VerifiedCheckpoint(above?.Parent ?? head.Checkpoint!, null, [e.Message], null));
        }

        return links;
    }

    private static IEnumerable<string> FindBreaks(RoleBlobs blobs, RoleHead head, CheckpointManifest? above, ChainLink link)
    {
        var manifest = link.Manifest!;
        var name = link.Folder + RoleBlobs.ManifestName;
        if (!blobs.TryReadFolder(name, out _, out var step, out var epoch) || step != manifest.Step || epoch != manifest.Epoch)
        {
            yield return $"{name} is of step {manifest.Step}, epoch {manifest.Epoch}, which its folder is not";
        }

        if (above is null && (head.Step != manifest.Step || head.Parent != manifest.Parent || head.ParentManifestSha256 != manifest.ParentManifestSha256))
        {
            yield return $"{blobs.Head} says step {head.Step} on {head.Parent ?? "nothing"}, {name} says step {manifest.Step} on {manifest.Parent ?? "nothing"}";
        }

        if (above is not null && above.FromStep != manifest.Step)
        {
            yield return $"the checkpoint above {link.Folder} goes on from step {above.FromStep}, and this one ends at step {manifest.Step}";
        }

        if (manifest.Epoch > (above?.Epoch ?? head.Epoch))
        {
            yield return $"{name} has epoch {manifest.Epoch}, and what was committed after it has epoch {above?.Epoch ?? head.Epoch}";
        }

        if (manifest.FromStep > manifest.Step || (manifest.Parent is null && manifest.FromStep != 0) || (manifest.Parent is null) != (manifest.ParentManifestSha256 is null))
        {
            yield return $"{name} goes from step {manifest.FromStep} to {manifest.Step} on {manifest.Parent ?? "nothing"}, which no training does";
        }
    }

    private static IEnumerable<string> FindForeign(ChainLink link, string dataManifestSha256, NumericsClass numerics)
    {
        var manifest = link.Manifest!;
        if (manifest.DataManifestSha256 != dataManifestSha256)
        {
            yield return $"{link.Folder} was trained on data with manifest sha256 {manifest.DataManifestSha256}, and the data has {dataManifestSha256}";
        }

        if (manifest.Numerics != numerics)
        {
            yield return $"{link.Folder} was trained in the numerics class [{manifest.Numerics}], and the role's is [{numerics}]";
        }
    }
}
