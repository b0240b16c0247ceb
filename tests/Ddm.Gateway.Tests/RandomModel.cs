using System.Globalization;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Ddm.Tensors;
using Ddm.Tests;
using static TorchSharp.torch;

namespace Ddm.Gateway.Tests;

/// <summary>A published model of experts that nobody trained, each with weights of its own: what is asked of hosts does not depend on what was learned.</summary>
internal static class RandomModel
{
    public const string Name = "random";
    private const int Side = 16, Channels = 3, Classes = 4;

    private static readonly NetworkSpec Router = NetworkPresets.Resolve(new NetworkSpec { Hidden = 32, Depth = 2, Heads = 2, Patch = 4 });

    public static async Task PublishAsync(FileBlobStore blobs, int experts, NetworkSpec network, CancellationToken cancellationToken)
    {
        TorchNative.EnsureLoaded();
        var expert = NetworkPresets.Resolve(network);
        var publication = new Publication(blobs, TinyModel.Catalog(blobs));
        var roles = new List<PublishedRole>();
        for (var k = 0; k < experts; k++)
        {
            roles.Add(await ExpertAsync(publication, k, DiTConfig.From(expert, Side, Channels, Classes), cancellationToken));
        }

        using var router = new RouterNetwork(DiTConfig.From(Router, Side, Channels, Classes), experts, initialize: false);
        Shake(router, 0);
        await publication.PublishAsync(
            new ModelManifest
            {
                Name = Name,
                Version = "v1",
                PublishedAt = DateTimeOffset.UnixEpoch,
                ImageSize = Side,
                Channels = Channels,
                ClassNames = [.. Enumerable.Range(0, Classes).Select(c => c.ToString(CultureInfo.InvariantCulture))],
                TimeScale = 1000,
                Expert = expert,
                RouterNetwork = Router,
                Sampling = new SamplingSpec(),
                ClusterRows = [.. Enumerable.Range(0, experts).Select(_ => (IReadOnlyList<long>)[.. Enumerable.Repeat(10L, Classes)])],
                Experts = roles,
                Router = await UntrainedRole.PublishAsync(publication, "router", router, cancellationToken),
            },
            cancellationToken);
    }

    /// <summary>An expert of a shape, of weights that only this seed has.</summary>
    public static async Task<PublishedRole> ExpertAsync(Publication publication, int seed, DiTConfig shape, CancellationToken cancellationToken)
    {
        using var network = new DiT(shape, initialize: false);
        Shake(network, seed + 1);
        return await UntrainedRole.PublishAsync(publication, string.Create(CultureInfo.InvariantCulture, $"experts/{seed}"), network, cancellationToken);
    }

    // Nowhere zero, unlike weights as they begin: then experts would all say the same.
    private static void Shake(TransformerTrunk network, long seed)
    {
        using var noGrad = no_grad();
        random.manual_seed(seed);
        foreach (var parameter in network.parameters())
        {
            parameter.normal_(0, 0.05);
        }
    }
}
