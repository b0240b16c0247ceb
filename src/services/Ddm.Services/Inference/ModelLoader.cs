using System.Globalization;
using Ddm.Diffusion;
using Ddm.Encoders;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;
using Ddm.Training;

namespace Ddm.Services;

/// <summary>Loads models: weights are verified against the manifest's hashes before a tensor of them is used.</summary>
public sealed class ModelLoader(IBlobStore blobs, ModelCatalog catalog, DeviceThread device)
{
    /// <summary>The published model of this name, or its run as it stands.</summary>
    public async Task<LoadedModel> OpenAsync(string name, CancellationToken cancellationToken)
        => await OpenAsync(await catalog.FindAsync(name, cancellationToken), cancellationToken);

    /// <summary>The model a manifest describes.</summary>
    /// <exception cref="CheckpointException">Weights are missing, damaged, or not of this network.</exception>
    public async Task<LoadedModel> OpenAsync(ModelManifest manifest, CancellationToken cancellationToken)
    {
        var experts = new List<DiT?>();
        foreach (var expert in manifest.Experts)
        {
            experts.Add(expert.Weights is null ? null : await LoadAsync(expert, () => new DiT(Shape(manifest, manifest.Expert), initialize: false), cancellationToken));
        }

        var router = await LoadAsync(
            manifest.Router, () => new RouterNetwork(Shape(manifest, manifest.RouterNetwork), manifest.Experts.Count, initialize: false), cancellationToken);
        return new LoadedModel(manifest, experts, router, await CodecAsync(manifest.Latent, cancellationToken), [.. Notices(manifest)]);
    }

    private static DiTConfig Shape(ModelManifest manifest, NetworkSpec network)
        => DiTConfig.From(network, manifest.Latent?.Size ?? manifest.ImageSize, manifest.Latent?.Channels ?? manifest.Channels, manifest.ClassNames.Count) with { TimeScale = manifest.TimeScale };

    private async Task<TNetwork> LoadAsync<TNetwork>(PublishedRole role, Func<TNetwork> create, CancellationToken cancellationToken)
        where TNetwork : TransformerTrunk
    {
        using var buffer = await ReadAsync(role.Weights!, role.Sha256!, cancellationToken);
        return await device.RunAsync(() =>
        {
            using var bundle = TensorFile.Load(buffer);
            var network = create();
            NetworkWeights.Load(network, bundle);
            network.eval();
            return network;
        });
    }

    private async Task<LatentCodec?> CodecAsync(PublishedLatent? latent, CancellationToken cancellationToken)
    {
        if (latent is null)
        {
            return null;
        }

        using var buffer = await ReadAsync(latent.Weights, latent.Sha256, cancellationToken);
        return await device.RunAsync(() =>
        {
            using var bundle = TensorFile.Load(buffer);
            return LatentCodec.Open(latent.Weights, bundle);
        });
    }

    private async Task<MemoryStream> ReadAsync(string name, string sha256, CancellationToken cancellationToken)
    {
        var buffer = new MemoryStream();
        await using var source = await blobs.OpenReadAsync(name, cancellationToken) ?? throw new CheckpointException($"{name} is missing.");
        await HashedCopy.CopyAsync(source, buffer, sha256, name, cancellationToken);
        buffer.Position = 0;
        return buffer;
    }

    private static IEnumerable<string> Notices(ModelManifest manifest) => manifest.Experts.Append(manifest.Router)
        .Where(role => role.Step < role.TargetSteps)
        .Select(role => role.Weights is null
            ? $"{role.Role} has no checkpoint yet and is left out"
            : string.Create(CultureInfo.InvariantCulture, $"{role.Role} has seen {role.Step} of {role.TargetSteps} steps"));
}
