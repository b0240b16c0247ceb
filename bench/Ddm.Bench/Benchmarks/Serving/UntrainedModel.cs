using System.Globalization;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Ddm.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Bench;

/// <summary>A published model of weights as they begin: what a step costs does not depend on what was learned.</summary>
/// <param name="Expert">Shape of an expert.</param>
/// <param name="Router">Shape of the router.</param>
/// <param name="Side">Pixels of a picture's side; it has three channels.</param>
/// <param name="Classes">Classes.</param>
internal sealed record UntrainedModel(NetworkSpec Expert, NetworkSpec Router, int Side, int Classes)
{
    private const int Channels = 3;

    /// <summary>The catalogue of a store.</summary>
    public static ModelCatalog Catalog(FileBlobStore blobs)
        => new(blobs, new CheckpointStore(blobs, TimeProvider.System, NullLogger<CheckpointStore>.Instance), new RunRepository(blobs), TimeProvider.System);

    /// <summary>Publishes it, each expert with weights of its own.</summary>
    public async Task PublishAsync(FileBlobStore blobs, string name, int experts, CancellationToken cancellationToken)
    {
        var publication = new Publication(blobs, Catalog(blobs));
        var roles = new List<PublishedRole>();
        for (var k = 0; k < experts; k++)
        {
            using var network = new DiT(DiTConfig.From(Expert, Side, Channels, Classes), initialize: false);
            network.Initialize(k, 0);
            roles.Add(await UntrainedRole.PublishAsync(publication, string.Create(CultureInfo.InvariantCulture, $"experts/{k}"), network, cancellationToken));
        }

        using var router = new RouterNetwork(DiTConfig.From(Router, Side, Channels, Classes), experts);
        var manifest = new ModelManifest
        {
            Name = name,
            Version = "v1",
            PublishedAt = DateTimeOffset.UnixEpoch,
            ImageSize = Side,
            Channels = Channels,
            ClassNames = [.. Enumerable.Range(0, Classes).Select(c => c.ToString(CultureInfo.InvariantCulture))],
            TimeScale = new DiTConfig(1, 1, 1, 4, 1, 1, 1, 0, 0).TimeScale,
            Expert = Expert,
            RouterNetwork = Router,
            Sampling = new SamplingSpec(),
            ClusterRows = [.. Enumerable.Range(0, experts).Select(k => (IReadOnlyList<long>)[.. Enumerable.Repeat(10L - k, Classes)])],
            Experts = roles,
            Router = await UntrainedRole.PublishAsync(publication, "router", router, cancellationToken),
        };
        await publication.PublishAsync(manifest, cancellationToken);
    }
}
