using System.Security.Cryptography;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Publishes models, and tells whether what was published is still there, to the byte.</summary>
public sealed class Publication(IBlobStore blobs, ModelCatalog catalog)
{
    /// <summary>Writes a version's manifest, whose weights are there, then the pointer to it. The first writer of a version wins, so that a publication that was cut short goes on with the manifest it wrote; one that was damaged since is written anew.</summary>
    /// <returns>The manifest as it is published.</returns>
    public async Task<ModelManifest> PublishAsync(ModelManifest model, CancellationToken cancellationToken)
    {
        var name = BlobNames.ModelManifest(model.Name, model.Version);
        var condition = await IsReadableAsync(name, cancellationToken) ? WriteCondition.IfAbsent : WriteCondition.Any;
        await blobs.TryWriteJsonAsync(name, model, condition, cancellationToken);
        var published = await blobs.ReadAsync(name, cancellationToken) ?? throw new InvalidOperationException($"{name} vanished.");
        var current = new CurrentModel(model.Version, Convert.ToHexStringLower(SHA256.HashData(published.Bytes)));
        await blobs.TryWriteJsonAsync(BlobNames.ModelCurrent(model.Name), current, WriteCondition.Any, cancellationToken);
        return BlobJson.Parse<ModelManifest>(name, published.Bytes);
    }

    /// <summary>Writes published weights under the name of their content, unless they are there already.</summary>
    /// <param name="sha256">Their hash.</param>
    /// <param name="write">Writes them; its bytes are not checked here.</param>
    /// <param name="cancellationToken">Stops it, and leaves nothing.</param>
    /// <returns>Their blob.</returns>
    public async Task<string> WriteWeightsAsync(string sha256, Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        var target = BlobNames.Weights(sha256);
        if (await FindFaultAsync(target, sha256, cancellationToken) is not null)
        {
            await blobs.TryWriteStreamAsync(target, write, WriteCondition.Any, cancellationToken); // of equal content, or over a damaged one
        }

        return target;
    }

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

    private async Task<bool> IsReadableAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            await blobs.ReadJsonAsync<ModelManifest>(name, cancellationToken);
            return true;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }
}
