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

    /// <summary>The model a manifest describes, all of it in memory.</summary>
    /// <exception cref="CheckpointException">Weights are missing, damaged, or not of this network.</exception>
    public Task<LoadedModel> OpenAsync(ModelManifest manifest, CancellationToken cancellationToken) => OpenAsync(manifest, ModelLoading.Whole, cancellationToken);

    /// <summary>The model a manifest describes, with no more of its experts in memory than fit, and those that live elsewhere reached there.</summary>
    /// <exception cref="CheckpointException">Weights are missing, damaged, or not of this network.</exception>
    /// <exception cref="UserErrorException">Not even one expert fits.</exception>
    internal async Task<LoadedModel> OpenAsync(ModelManifest manifest, ModelLoading how, CancellationToken cancellationToken)
    {
        IVelocityModel?[] elsewhere = [.. manifest.Experts.Select((expert, k) => expert.Weights is null ? null : how.Elsewhere(k, expert))];
        var (here, paged) = await OpenExpertsAsync(manifest, k => elsewhere[k] is null, how.Memory, cancellationToken);
        var parts = new List<IDisposable?> { here };
        try
        {
            var (router, codec, captions) = await OpenRestAsync(manifest, parts, cancellationToken);
            IVelocityModel?[] experts = [.. elsewhere.Zip(here.Models, (there, own) => there ?? own)];
            return await device.RunAsync(() => new LoadedModel(manifest, experts, here, paged, router, codec, captions, how.LiveMassFloor, [.. Notices(manifest)]));
        }
        catch
        {
            parts.ForEach(part => part?.Dispose());
            throw;
        }
    }

    /// <summary>Some experts of a model, without its router and codecs.</summary>
    /// <param name="manifest">The model.</param>
    /// <param name="wanted">Which of them, by index; those without weights are left out.</param>
    /// <param name="memory">How they are kept.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="CheckpointException">Weights are missing, damaged, or not of this network.</exception>
    /// <exception cref="UserErrorException">Not even one expert fits.</exception>
    internal async Task<(LoadedExperts Experts, PagedExperts? Paged)> OpenExpertsAsync(ModelManifest manifest, Func<int, bool> wanted, ExpertMemory memory, CancellationToken cancellationToken)
    {
        bool[] here = [.. manifest.Experts.Select((expert, k) => expert.Weights is not null && wanted(k))];
        DiTConfig[] shapes = [.. manifest.Experts.Where((_, k) => here[k]).Select(expert => Shape(manifest, expert, manifest.Expert)).Distinct()];
        await device.RunAsync(() => Prepare(shapes));
        return Pages(manifest, here, shapes, memory) is { } pages
            ? (await OpenPagedAsync(manifest, here, pages, cancellationToken), pages)
            : (await OpenWholeAsync(manifest, here, memory.Weights, cancellationToken), null);
    }

    // Before any weights are there: what it takes is free again for them.
    private static void Prepare(DiTConfig[] shapes)
    {
        foreach (var shape in shapes)
        {
            DiTExpert.Prepare(shape);
        }

        if (shapes.Length > 0)
        {
            TorchRuntime.Collect();
        }
    }

    private async Task<LoadedExperts> OpenWholeAsync(ModelManifest manifest, bool[] here, WeightType weights, CancellationToken cancellationToken)
    {
        var (models, networks) = (new List<IVelocityModel?>(), new List<DiT>());
        try
        {
            for (var k = 0; k < here.Length; k++)
            {
                var expert = manifest.Experts[k];
                if (!here[k])
                {
                    models.Add(null);
                    continue;
                }

                var network = await LoadAsync(expert, () => Network(manifest, expert, weights), cancellationToken);
                networks.Add(network);
                models.Add(LoadedModel.AsExpert(network, expert));
            }
        }
        catch
        {
            networks.ForEach(network => network.Dispose());
            throw;
        }

        return new LoadedExperts(manifest, models, networks);
    }

    private async Task<LoadedExperts> OpenPagedAsync(ModelManifest manifest, bool[] here, PagedExperts pages, CancellationToken cancellationToken)
    {
        foreach (var expert in manifest.Experts.Where((_, k) => here[k]))
        {
            // Read once before the model is taken for good: a version with a damaged expert is none.
            await using var whole = await blobs.OpenReadAsync(expert.Weights!, cancellationToken) ?? throw Missing(expert.Weights!);
            await HashedCopy.CopyAsync(whole, Stream.Null, expert.Sha256!, expert.Weights!, cancellationToken);
        }

        return new LoadedExperts(manifest, pages.Models, [pages]);
    }

    // Null where all of them fit.
    private PagedExperts? Pages(ModelManifest manifest, bool[] here, DiTConfig[] shapes, ExpertMemory memory)
    {
        if (memory.Bytes is not { } bytes || shapes.Length == 0)
        {
            return null;
        }

        var (largest, count) = (shapes.Max(shape => DiT.Bytes(shape, memory.Weights)), here.Count(own => own));
        if (largest > bytes)
        {
            throw new UserErrorException(FormattableString.Invariant($"An expert of {manifest.Name} takes {largest} bytes as {memory.Weights.Name()}, and experts may take {bytes}: raise the limit."));
        }

        return largest * count <= bytes ? null : new PagedExperts(
            here,
            (int)(bytes / largest),
            k => Task.Run(() => ReadAsync(manifest.Experts[k], () => Network(manifest, manifest.Experts[k], memory.Weights))),
            (k, network) => LoadedModel.AsExpert(network, manifest.Experts[k])!);
    }

    private static DiT Network(ModelManifest manifest, PublishedRole expert, WeightType weights) => new(Shape(manifest, expert, manifest.Expert), initialize: false, weights: weights);

    // Hashed while it is read: the network is nobody's until its weights were seen to be the manifest's.
    private async Task<DiT> ReadAsync(PublishedRole role, Func<DiT> create)
    {
        using var source = new VerifiedStream(await blobs.OpenReadAsync(role.Weights!, CancellationToken.None) ?? throw Missing(role.Weights!));
        var network = Load(source, create);
        try
        {
            source.Require(role.Sha256!, role.Weights!);
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    private static CheckpointException Missing(string name) => new($"{name} is missing.");

    private async Task<(RouterNetwork? Router, LatentCodec? Codec, ICaptionEncoder? Captions)> OpenRestAsync(ModelManifest manifest, List<IDisposable?> parts, CancellationToken cancellationToken)
    {
        var router = manifest.Router.Weights is null ? null : await LoadAsync(
            manifest.Router, () => new RouterNetwork(Shape(manifest, manifest.Router, manifest.RouterNetwork), manifest.Experts.Count, initialize: false), cancellationToken);
        parts.Add(router);
        var codec = manifest.Latent is { } latent ? await OpenAsync(latent.Weights, latent.Sha256, LatentCodec.Open, cancellationToken) : null;
        parts.Add(codec);
        var captions = manifest.Text is { } text
            ? await OpenAsync(text.Weights, text.Sha256, (name, bundle) => CaptionEncoders.Open(text.Shape.Tokens, name, bundle), cancellationToken)
            : null;
        parts.Add(captions);
        return (router, codec, captions);
    }

    private static TNetwork Load<TNetwork>(Stream source, Func<TNetwork> create)
        where TNetwork : TransformerTrunk
    {
        var network = create();
        try
        {
            NetworkWeights.Load(network, source);
            network.eval();
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>The shape of a role's network.</summary>
    /// <exception cref="CheckpointException">The manifest does not say it.</exception>
    internal static DiTConfig Shape(ModelManifest manifest, PublishedRole role, NetworkSpec? network)
    {
        if (role.Network is { } own)
        {
            return own.Shape;
        }

        var (size, channels) = manifest.Latent is { } latent ? (latent.Size, latent.Channels) : (manifest.ImageSize, manifest.Channels);
        return network is null || manifest.TimeScale is not { } scale
            ? throw new CheckpointException($"The manifest of {manifest.Name}/{manifest.Version} does not say what network {role.Role} is: publish or import the model again.")
            : DiTConfig.From(network, size, channels, manifest.ClassNames.Count, manifest.Text?.Shape) with { TimeScale = scale };
    }

    private async Task<TNetwork> LoadAsync<TNetwork>(PublishedRole role, Func<TNetwork> create, CancellationToken cancellationToken)
        where TNetwork : TransformerTrunk
    {
        await using var source = await OpenVerifiedAsync(role.Weights!, role.Sha256!, cancellationToken);
        return await device.RunAsync(() => Load(source, create));
    }

    private async Task<TPart> OpenAsync<TPart>(string name, string sha256, Func<string, TensorBundle, TPart> open, CancellationToken cancellationToken)
    {
        await using var source = await OpenVerifiedAsync(name, sha256, cancellationToken);
        return await device.RunAsync(() =>
        {
            using var bundle = TensorFile.Load(source);
            return open(name, bundle);
        });
    }

    // Hashed, then read: nothing of a file that is not the manifest's reaches a tensor, and no copy of it is held.
    private async Task<Stream> OpenVerifiedAsync(string name, string sha256, CancellationToken cancellationToken)
    {
        await using (var whole = await OpenAsync())
        {
            await HashedCopy.CopyAsync(whole, Stream.Null, sha256, name, cancellationToken);
        }

        return await OpenAsync();

        async Task<Stream> OpenAsync() => await blobs.OpenReadAsync(name, cancellationToken) ?? throw Missing(name);
    }

    private static IEnumerable<string> Notices(ModelManifest manifest) => manifest.Experts.Append(manifest.Router)
        .Where(role => role.Step < role.TargetSteps)
        .Select(role => role.Weights is null
            ? $"{role.Role} has no checkpoint yet and is left out"
            : string.Create(CultureInfo.InvariantCulture, $"{role.Role} has seen {role.Step} of {role.TargetSteps} steps"));
}
