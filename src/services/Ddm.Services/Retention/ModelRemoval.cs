using System.Security.Cryptography;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>
/// Removes one published version of a model: the pointer first, so that it never names what is gone, then the manifest. Weights that no other version shares
/// are left to <see cref="GarbageCollection"/>.
/// </summary>
public sealed class ModelRemoval(IBlobStore blobs)
{
    /// <summary>Removes <c>NAME/VERSION</c>.</summary>
    /// <returns>The version that is current now; null: none is left.</returns>
    /// <exception cref="UserErrorException">There is no such version.</exception>
    public async Task<string?> RemoveAsync(string nameAndVersion, CancellationToken cancellationToken)
    {
        var parts = nameAndVersion.Split('/');
        if (parts.Length != 2 || !BlobName.IsSegment(parts[1]))
        {
            throw new UserErrorException($"'{nameAndVersion}' is no version of a model: expected NAME/VERSION, for instance quickstart/v1.");
        }

        var (name, version) = (RunName.Require(parts[0]), parts[1]);
        var versions = await VersionsAsync(name, cancellationToken);
        if (!versions.Contains(version))
        {
            throw new UserErrorException($"model '{name}' has no version '{version}'; there are: {(versions.Count == 0 ? "none" : string.Join(", ", versions))}.");
        }

        var current = await blobs.ReadJsonAsync<CurrentModel>(BlobNames.ModelCurrent(name), cancellationToken);
        var next = current?.Value.Version;
        if (next == version)
        {
            next = versions.LastOrDefault(v => v != version);
            await MoveAsync(name, next, cancellationToken);
        }

        await blobs.DeleteAsync(BlobNames.ModelManifest(name, version), cancellationToken);
        return next;
    }

    private async Task MoveAsync(string name, string? version, CancellationToken cancellationToken)
    {
        if (version is null)
        {
            await blobs.DeleteAsync(BlobNames.ModelCurrent(name), cancellationToken);
            return;
        }

        var manifest = BlobNames.ModelManifest(name, version);
        var content = await blobs.ReadAsync(manifest, cancellationToken) ?? throw new CheckpointException($"{manifest} is missing.");
        var next = new CurrentModel(version, Convert.ToHexStringLower(SHA256.HashData(content.Bytes)));
        await blobs.TryWriteJsonAsync(BlobNames.ModelCurrent(name), next, WriteCondition.Any, cancellationToken);
    }

    // Oldest first. A version whose manifest cannot be read any more counts as the oldest, and can be removed all the same.
    private async Task<List<string>> VersionsAsync(string name, CancellationToken cancellationToken)
    {
        var versions = new List<(string Version, DateTimeOffset PublishedAt)>();
        await foreach (var blob in blobs.ListAsync($"{BlobNames.Models}{name}/", cancellationToken))
        {
            if (blob.Name.Split('/') is [_, _, var version, "manifest.json"])
            {
                versions.Add((version, await PublishedAtAsync(blob.Name, cancellationToken)));
            }
        }

        return [.. versions.OrderBy(v => v.PublishedAt).Select(v => v.Version)];
    }

    private async Task<DateTimeOffset> PublishedAtAsync(string manifest, CancellationToken cancellationToken)
    {
        try
        {
            return (await blobs.ReadJsonAsync<ModelManifest>(manifest, cancellationToken))?.Value.PublishedAt ?? DateTimeOffset.MinValue;
        }
        catch (InvalidDataException)
        {
            return DateTimeOffset.MinValue;
        }
    }
}
