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
    private const long SmallPart = 1 << 20; // a thread of its own costs more
    private const long MostKept = 256 << 20; // what is read twice comes over the line twice; beyond this, memory is dearer

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

    /// <summary>Reads every part once, side by side, and compares.</summary>
    /// <param name="link">The checkpoint.</param>
    /// <param name="kept">Takes parts as far as memory is no matter, so that whoever uses them need not read them again; null: nobody will.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>What is wrong with the first bad part; null when all are whole.</returns>
    public Task<string?> FindBadPartAsync(ChainLink link, Dictionary<string, byte[]>? kept, CancellationToken cancellationToken) =>
        FindBadPartAsync(link.Folder, link.Manifest!.Parts, kept, cancellationToken);

    /// <summary>As the other overload, for parts that no manifest names yet. What is not asked for is hashed as it comes: a part may be larger than told.</summary>
    public async Task<string?> FindBadPartAsync(
        string folder, IReadOnlyList<CheckpointPart> parts, Dictionary<string, byte[]>? kept, CancellationToken cancellationToken)
    {
        var hashes = new List<Task<(long Length, string Sha256)>>();
        try
        {
            foreach (var part in parts)
            {
                var (found, fault) = await BeginAsync(folder, part, kept, cancellationToken);
                if (found is null)
                {
                    return fault;
                }

                hashes.Add(found);
            }
        }
        finally
        {
            await Task.WhenAll(hashes);
        }

        var (at, bad) = parts.Index().FirstOrDefault(part => hashes[part.Index].Result.Sha256 != part.Item.Sha256);
        return bad is null ? null : $"{folder}{bad.Name} has sha256 {hashes[at].Result.Sha256} where its manifest says {bad.Sha256}";
    }

    // The hash under way, or what is wrong already.
    private async Task<(Task<(long Length, string Sha256)>? Hash, string? Fault)> BeginAsync(
        string folder, CheckpointPart part, Dictionary<string, byte[]>? kept, CancellationToken cancellationToken)
    {
        var name = folder + part.Name;
        if (part.Length < SmallPart && kept is not null)
        {
            if (await store.ReadAsync(name, cancellationToken) is not { Bytes: var bytes })
            {
                return (null, $"{name} is missing");
            }

            kept.TryAdd(part.Name, bytes);
            return bytes.Length == part.Length ? (Task.FromResult(((long)bytes.Length, Sha256.Of(bytes))), null) : (null, Length(name, bytes.Length, part));
        }

        var stream = await store.OpenReadAsync(name, cancellationToken);
        if (stream is null)
        {
            return (null, $"{name} is missing");
        }

        if (stream.Length != part.Length)
        {
            var length = stream.Length;
            await stream.DisposeAsync();
            return (null, Length(name, length, part));
        }

        if (part.Length < SmallPart)
        {
            return (Task.FromResult(await HashAsync(stream, cancellationToken)), null);
        }

        if (kept is null || kept.Values.Sum(bytes => bytes.LongLength) + part.Length > MostKept)
        {
            return (Task.Run(() => HashAsync(stream, cancellationToken), CancellationToken.None), null);
        }

        var whole = new byte[part.Length];
        kept.TryAdd(part.Name, whole);
        return (Task.Run(() => ReadAsync(stream, whole, cancellationToken), CancellationToken.None), null);
    }

    private static string Length(string name, long length, CheckpointPart part) => $"{name} has {length} bytes where its manifest says {part.Length}";

    private static async Task<(long Length, string Sha256)> HashAsync(Stream stream, CancellationToken cancellationToken)
    {
        await using (stream)
        {
            return await HashingStream.HashAsync(stream, cancellationToken);
        }
    }

    private static async Task<(long Length, string Sha256)> ReadAsync(Stream stream, byte[] whole, CancellationToken cancellationToken)
    {
        await using (stream)
        {
            var read = await stream.ReadAtLeastAsync(whole, whole.Length, throwOnEndOfStream: false, cancellationToken); // what is cut short has another hash
            return (read, Sha256.Of(whole.AsSpan(0, read)));
        }
    }

    /// <summary>Reads a manifest that must have a hash; without one, whatever manifest is there.</summary>
    public async Task<ChainLink> ReadAsync(RoleBlobs blobs, string folder, string? sha256, CancellationToken cancellationToken)
    {
        var name = folder + RoleBlobs.ManifestName;
        var content = await store.ReadAsync(name, cancellationToken);
        if (content is null)
        {
            return new ChainLink(folder, sha256 ?? "", null, $"{name} is missing");
        }

        var found = Sha256.Of(content.Bytes);
        if (sha256 is not null && found != sha256)
        {
            return new ChainLink(folder, sha256, null, $"{name} ({content.Bytes.Length} bytes) has sha256 {found} where the chain says {sha256}");
        }

        if (sha256 is null && Damage(name, content.Bytes) is { } damage)
        {
            return new ChainLink(folder, found, null, damage);
        }

        return new ChainLink(folder, found, Check(blobs, name, content.Bytes), null);
    }

    private static string? Damage(string name, byte[] bytes)
    {
        try
        {
            BlobJson.Parse<CheckpointManifest>(name, bytes);
            return null;
        }
        catch (InvalidDataException e)
        {
            return e.Message;
        }
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
                + $"not for {blobs.Role} of run '{blobs.Run}': it does not belong here. Bring this role's own checkpoints back.");
        }

        return manifest;
    }
}
