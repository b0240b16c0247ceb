using Ddm.Diffusion;
using Ddm.Encoders;
using TorchSharp;

namespace Ddm.Services;

/// <summary>A model in memory, ready to draw. Belongs to the device thread that loaded it.</summary>
public sealed class LoadedModel : IDisposable
{
    private readonly IReadOnlyList<IDisposable> networks;
    private readonly torch.Tensor? nullText;

    internal LoadedModel(
        ModelManifest manifest, IReadOnlyList<IVelocityModel?> experts, LoadedExperts here, PagedExperts? paged, RouterNetwork? router, LatentCodec? codec, ICaptionEncoder? captions,
        double liveMassFloor, IReadOnlyList<string> notices)
    {
        (Codec, Captions) = (codec, captions);
        nullText = captions?.Encode([null]).DetachFromDisposeScope();
        Manifest = manifest;
        Notices = notices;
        RouterModel = router is null ? new UniformRouter(experts.Count) : new NetworkRouter(router);
        networks = router is null ? [here] : [here, router];
        Paged = paged;
        var labels = ModelLoader.Shape(manifest, manifest.Experts.First(role => role.Weights is not null), manifest.Expert).Classes;
        Ensemble = new Ensemble(experts, RouterModel, labels > 0 ? labels : null, liveMassFloor, nullText);
    }

    /// <summary>The experts where not all of them are in memory; null: all are.</summary>
    internal PagedExperts? Paged { get; }

    /// <summary>What was loaded.</summary>
    public ModelManifest Manifest { get; }

    /// <summary>Experts and router as one velocity field.</summary>
    public Ensemble Ensemble { get; }

    /// <summary>Turns latents into pictures; null: the model draws pixels.</summary>
    public LatentCodec? Codec { get; }

    /// <summary>Turns captions into what the networks take; null: the model knows none.</summary>
    public ICaptionEncoder? Captions { get; }

    /// <summary>The router alone.</summary>
    public IRouterModel RouterModel { get; }

    /// <summary>Why this is less than the finished model; empty when it is all there.</summary>
    public IReadOnlyList<string> Notices { get; }

    /// <summary>True when some role has not finished its training, or has no weights.</summary>
    public bool Partial => Notices.Count > 0;

    /// <summary>A sampler over the ensemble.</summary>
    public Sampler Sampler()
    {
        var (channels, size) = Manifest.Latent is { } latent ? (latent.Channels, latent.Size) : (Manifest.Channels, Manifest.ImageSize);
        return new Sampler(Ensemble, [channels, size, size]) { Prior = Prior(), Clamp = Codec is null, Decode = Codec is null ? null : Codec.Decode };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var network in networks)
        {
            network.Dispose();
        }

        Codec?.Dispose();
        Captions?.Dispose();
        nullText?.Dispose();
    }

    internal static IVelocityModel? AsExpert(DiT? network, PublishedRole role)
        => network is null ? null : (role.Network?.Parametrization ?? Parametrization.Own).Expert(network);

    // Of captions, and of an imported model, only the router knows; of classes p(k | c) is known exactly: each cluster's share of the training rows of the class, and of all rows for "no class".
    private double[,]? Prior()
    {
        var rows = Manifest.ClusterRows;
        if (Captions is not null || rows.Count == 0)
        {
            return null;
        }

        var classes = Ensemble.NullLabel is { } none ? (int)none : 0;
        var prior = new double[classes + 1, rows.Count];
        for (var c = 0; c <= classes; c++)
        {
            for (var k = 0; k < rows.Count; k++)
            {
                prior[c, k] = c < classes ? rows[k][c] : rows[k].Sum();
            }
        }

        return prior;
    }
}
