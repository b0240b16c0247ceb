using System.Security.Cryptography;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Whether what was published is still there, to the byte.</summary>
public sealed class Publication(IBlobStore blobs, ModelCatalog catalog)
{
    /// <summary>What is wrong with the current version of a model; null when pointer, manifest and all weights are whole.</summary>
    /// <exception cref="UserErrorException">A newer program published it.</exception>
    public async Task<string?> FindFaultAsync(string model, CancellationToken cancellationToken)
    {
        ModelManifest? manifest;
        try
        {
            manifest = await catalog.FindPublishedAsync(model, cancellationToken);
        }
        catch (Exception e) when (e is CheckpointException or InvalidDataException)
        {
            return e.Message;
        }

        if (manifest is null)
        {
            return $"{BlobNames.ModelCurrent(model)} is missing";
        }

        foreach (var (name, sha256) in manifest.Blobs())
        {
            if (await FindFaultAsync(name, sha256, cancellationToken) is { } fault)
            {
                return fault;
            }
        }

        return null;
    }

    /// <summary>What is wrong with a blob that should have a hash; null when nothing is.</summary>
    public async Task<string?> FindFaultAsync(string name, string sha256, CancellationToken cancellationToken)
    {
        await using var stream = await blobs.OpenReadAsync(name, cancellationToken);
        if (stream is null)
        {
            return $"{name} is missing";
        }

        var found = Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellationToken));
        return found == sha256 ? null : $"{name} has sha256 {found} where its manifest says {sha256}";
    }
}
