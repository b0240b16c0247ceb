using System.Runtime.CompilerServices;

namespace Ddm.Storage;

/// <summary>A step of the way from a head down its parents.</summary>
/// <param name="Folder">The checkpoint's blob prefix.</param>
/// <param name="ManifestSha256">What its manifest must hash to.</param>
/// <param name="Manifest">The manifest; null when it is missing or has another hash.</param>
/// <param name="Fault">What is wrong with the manifest; null when nothing is.</param>
internal sealed record ChainLink(string Folder, string ManifestSha256, CheckpointManifest? Manifest, string? Fault);

/// <summary>Follows a role's checkpoints from the head to the oldest, believing nothing whose hash is not vouched for by what lies above it.</summary>
internal sealed class CheckpointChain(IBlobStore store)
{
    /// <summary>The links, newest first. Behind a broken link only the head's own note of the parent leads on.</summary>
    /// <exception cref="CheckpointException">A manifest is whole but another run's, another role's or a newer version's.</exception>
    public async IAsyncEnumerable<ChainLink> WalkAsync(RoleBlobs blobs, RoleHead head, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (folder, sha256) = (head.Checkpoint, head.ManifestSha256);
        while (folder is not null && sha256 is not null)
        {
            var link = await ReadAsync(blobs, folder, sha256, cancellationToken);
            yield return link;
            (folder, sha256) = link.Manifest is { } manifest
                ? (manifest.Parent, manifest.ParentManifestSha256)
                : folder == head.Checkpoint ? (head.Parent, head.ParentManifestSha256) : (null, null);
        }
    }

    /// <summary>Reads every part once and compares.</summary>
    /// <returns>What is wrong with the first bad part; null when all are whole.</returns>
    public async Task<string?> FindBadPartAsync(ChainLink link, CancellationToken cancellationToken)
    {
        foreach (var part in link.Manifest!.Parts)
        {
            await using var stream = await store.OpenReadAsync(link.Folder + part.Name, cancellationToken);
            if (stream is null)
            {
                return $"{link.Folder}{part.Name} is missing";
            }

            if (stream.Length != part.Length)
            {
                return $"{link.Folder}{part.Name} has {stream.Length} bytes where its manifest says {part.Length}";
            }

            var (_, sha256) = await HashingStream.HashAsync(stream, cancellationToken);
            if (sha256 != part.Sha256)
            {
                return $"{link.Folder}{part.Name} has sha256 {sha256} where its manifest says {part.Sha256}";
            }
        }

        return null;
    }

    private async Task<ChainLink> ReadAsync(RoleBlobs blobs, string folder, string sha256, CancellationToken cancellationToken)
    {
        var name = folder + RoleBlobs.ManifestName;
        var content = await store.ReadAsync(name, cancellationToken);
        if (content is null)
        {
            return new ChainLink(folder, sha256, null, $"{name} is missing");
        }

        var found = Sha256.Of(content.Bytes);
        if (found != sha256)
        {
            return new ChainLink(folder, sha256, null, $"{name} ({content.Bytes.Length} bytes) has sha256 {found} where the chain says {sha256}");
        }

        return new ChainLink(folder, sha256, Check(blobs, name, content.Bytes), null);
    }

    private static CheckpointManifest Check(RoleBlobs blobs, string name, byte[] bytes)
    {
        CheckpointManifest manifest;
        try
        {
            manifest = BlobJson.Parse<CheckpointManifest>(name, bytes);
        }
        catch (InvalidDataException e)
        {
            // its hash is right, so whoever wrote it meant it so
            throw new CheckpointException($"{e.Message} A newer version may have written it: upgrade before you go on with the run.", e);
        }

        if (manifest.Schema > CheckpointManifest.CurrentSchema)
        {
            throw new CheckpointException($"{name} has schema {manifest.Schema}, this version reads up to {CheckpointManifest.CurrentSchema}: "
                + "upgrade before you go on with the run.");
        }

        if (manifest.Run != blobs.Run || manifest.Role != blobs.Role.Path)
        {
            throw new CheckpointException($"{name} was written for {manifest.Role} of run '{manifest.Run}', "
                + $"not for {blobs.Role} of run '{blobs.Run}': it does not belong here.");
        }

        return manifest;
    }
}
