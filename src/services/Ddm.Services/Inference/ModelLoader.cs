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
        var (here, paged) = await OpenExpertsAsync(manifest, k => elsewhere[k] is null, how.ExpertBytes, cancellationToken);
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
    /// <param name="bytes">Bytes that they may take; null: any number.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="CheckpointException">Weights are missing, damaged, or not of this network.</exception>
    /// <exception cref="UserErrorException">Not even one expert fits.</exception>
    internal async Task<(LoadedExperts Experts, PagedExperts? Paged)> OpenExpertsAsync(ModelManifest manifest, Func<int, bool> wanted, long? bytes, CancellationToken cancellationToken)
    {
        bool[] here = [.. manifest.Experts.Select((expert, k) => expert.Weights is not null && wanted(k))];
        if (bytes is { } limit && await PagesAsync(manifest, here, limit, cancellationToken) is { } pages)
        {
            foreach (var expert in manifest.Experts.Where((_, k) => here[k]))
            {
                // Read once before the model is taken for good: a version with a damaged expert is none.
                await using var whole = await blobs.OpenReadAsync(expert.Weights!, cancellationToken) ?? throw new CheckpointException($"{expert.Weights} is missing.");
                await HashedCopy.CopyAsync(whole, Stream.Null, expert.Sha256!, expert.Weights!, cancellationToken);
            }

            return (new LoadedExperts(manifest, pages.Models, [pages]), pages);
        }

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

                var network = await LoadAsync(expert, () => new DiT(Shape(manifest, expert, manifest.Expert), initialize: false), cancellationToken);
                networks.Add(network);

                // At once: the first of a shape tries its rows on a network of its own, for which there is room before the others are there.
                models.Add(await device.RunAsync(() => LoadedModel.AsExpert(network, expert)));
            }
        }
        catch
        {
            networks.ForEach(network => network.Dispose());
            throw;
        }

        return (new LoadedExperts(manifest, models, networks), null);
    }

    // Null where all of them fit.
    private async Task<PagedExperts?> PagesAsync(ModelManifest manifest, bool[] here, long bytes, CancellationToken cancellationToken)
    {
        var (largest, count) = (0L, 0);
        foreach (var expert in manifest.Experts.Where((_, k) => here[k]))
        {
            await using var stream = await blobs.OpenReadAsync(expert.Weights!, cancellationToken) ?? throw new CheckpointException($"{expert.Weights} is missing.");
            (largest, count) = (Math.Max(largest, stream.Length), count + 1);
        }

        if (largest > bytes)
        {
            throw new UserErrorException(FormattableString.Invariant($"An expert of {manifest.Name} takes {largest} bytes, and experts may take {bytes}: raise the limit."));
        }

        return largest * count <= bytes ? null : new PagedExperts(
            here,
            (int)(bytes / largest),
            k => Task.Run(() => ReadAsync(manifest.Experts[k])),
            (k, read) => Load(new MemoryStream(read), () => new DiT(Shape(manifest, manifest.Experts[k], manifest.Expert), initialize: false)),
            (k, network) => LoadedModel.AsExpert(network, manifest.Experts[k])!);
    }

    private async Task<byte[]> ReadAsync(PublishedRole role)
    {
        await using var whole = await blobs.OpenReadAsync(role.Weights!, CancellationToken.None) ?? throw new CheckpointException($"{role.Weights} is missing.");
        using var bytes = new MemoryStream((int)Math.Min(whole.Length, int.MaxValue));
        await HashedCopy.CopyAsync(whole, bytes, role.Sha256!, role.Weights!, CancellationToken.None);
        return bytes.ToArray();
    }

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

        async Task<Stream> OpenAsync() => await blobs.OpenReadAsync(name, cancellationToken) ?? throw new CheckpointException($"{name} is missing.");
    }

    private static IEnumerable<string> Notices(ModelManifest manifest) => manifest.Experts.Append(manifest.Router)
        .Where(role => role.Step < role.TargetSteps)
        .Select(role => role.Weights is null
            ? $"{role.Role} has no checkpoint yet and is left out"
            : string.Create(CultureInfo.InvariantCulture, $"{role.Role} has seen {role.Step} of {role.TargetSteps} steps"));
}
