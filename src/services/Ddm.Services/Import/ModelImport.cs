using System.Security.Cryptography;
using Ddm.Encoders;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>
/// Publishes networks that others trained. Everything is read and checked before anything is written; then weights go by their content, the manifest after them and the pointer last, so
/// that an import that is refused leaves nothing, and one that is cut short leaves weights that nobody names, which <see cref="GarbageCollection"/> takes. The version is a hash of what
/// is imported: the same again is the same version.
/// </summary>
/// <param name="blobs">Where models are.</param>
/// <param name="publication">Writes them.</param>
/// <param name="device">The device thread.</param>
/// <param name="time">When it was published.</param>
/// <param name="enter">Keeps garbage collection out until it is disposed: <see cref="StartGate.Enter"/> of the home folder.</param>
public sealed class ModelImport(IBlobStore blobs, Publication publication, DeviceThread device, TimeProvider time, Func<IDisposable> enter)
{
    private const int VersionDigits = 12;

    /// <summary>Imports a model.</summary>
    /// <exception cref="UserErrorException">Something of it is missing, damaged, not stated, or does not fit the rest; the message names file and tensor. Nothing is written.</exception>
    public async Task<ImportedModel> ImportAsync(ImportRequest request, CancellationToken cancellationToken)
    {
        await RequireFreeAsync(RunName.Require(request.Name), cancellationToken);
        var source = ImportSource.Find(request);
        var vae = source.Vae is { } path ? await device.RunAsync(() => ImportedVae.Look(path)) : null;
        var text = source.TextEncoder is { } words ? await device.RunAsync(() => ImportedText.Look(words, source.Facts?.TextTokens)) : null;
        var stated = request.Stated with { Side = Side(request.ImageSize, vae), TextPlaces = text?.Shape.Tokens };
        var experts = new List<ImportedNetwork>();
        foreach (var expert in source.Experts)
        {
            cancellationToken.ThrowIfCancellationRequested();
            experts.Add(await device.RunAsync(() => ImportedNetwork.Look(expert, stated)));
        }

        var router = source.Router is { } given ? await device.RunAsync(() => ImportedNetwork.Look(given, new StatedNetwork { Side = stated.Side, TextPlaces = stated.TextPlaces })) : null;
        ImportChecks.Require(experts, router, vae, text);
        var told = ImportChecks.Classes(experts, router);
        source.Facts?.Require(request.Path, experts.Count, told);
        var classes = source.Classes is null && source.Facts is { } said ? said.ClassNames : ImportChecks.ClassNames(source.Classes, told);
        var described = Describe(request.Name, experts, router, vae, text, classes);
        var manifest = Complete(source.Facts?.Apply(described) ?? described);
        ImportedFile?[] files = [.. experts.Select(expert => expert.File), router?.File, vae?.File, text?.File];
        return await PublishAsync(manifest, [.. files.OfType<ImportedFile>()], cancellationToken);
    }

    private async Task RequireFreeAsync(string name, CancellationToken cancellationToken)
    {
        if (await blobs.ExistsAsync(BlobNames.RunDocument(name), cancellationToken))
        {
            throw new UserErrorException($"'{name}' is the name of a run here, whose model it names: import under another --name.");
        }
    }

    private static int? Side(int? imageSize, ImportedVae? vae)
    {
        var factor = vae?.Config.Factor ?? 1;
        return imageSize is not { } size ? null
            : size > 0 && size % factor == 0 ? size / factor
            : throw new UserErrorException($"--image-size {size}: give the side of the pictures in pixels{(factor > 1 ? $", a multiple of the autoencoder's {factor}" : "")}.");
    }

    private static ModelManifest Describe(string name, List<ImportedNetwork> experts, ImportedNetwork? router, ImportedVae? vae, ImportedText? text, IReadOnlyList<string> classes)
    {
        var shape = experts[0].Shape;
        var manifest = new ModelManifest
        {
            Schema = ModelManifest.CurrentSchema,
            Name = name,
            Version = "",
            PublishedAt = default,
            ImageSize = shape.ImageSize * (vae?.Config.Factor ?? 1),
            Channels = vae?.Config.Channels ?? shape.Channels,
            Latent = vae is null ? null : new PublishedLatent(shape.Channels, shape.ImageSize, BlobNames.Weights(vae.File.Sha256), vae.File.Sha256),
            Text = text is null ? null : new PublishedText(text.Shape, BlobNames.Weights(text.File.Sha256), text.File.Sha256),
            ClassNames = classes,
            Sampling = new SamplingSpec(),
            ClusterRows = [],
            Experts = [.. experts.Select((expert, k) => Published(Role.Expert(k), expert))],
            Router = router is null ? new PublishedRole(Role.Router.Path, 0, 0, null, null) : Published(Role.Router, router),
        };
        var (routing, reason) = Routing(router, ImportChecks.Classes(experts, router), text?.Shape);
        return manifest with { Routing = routing, RoutingReason = reason };
    }

    private ModelManifest Complete(ModelManifest manifest) => manifest with { Version = Version(manifest), PublishedAt = time.GetUtcNow() };

    private static PublishedRole Published(Role role, ImportedNetwork network)
        => new(role.Path, 0, 0, BlobNames.Weights(network.File.Sha256), network.File.Sha256) { Network = network.Network };

    // Ancestral sampling draws an expert before anything is to be seen: it needs a router that knows what is asked for.
    private static (string Routing, string Reason) Routing(ImportedNetwork? router, int classes, TextShape? text)
        => router is null ? ("full", "there is one expert")
            : router.Shape.Classes == classes && router.Shape.Text == text ? ("ancestral", "exact with exact parts at one expert's cost, the prior being the router's answer at t = 1; not measured on this model")
            : ("top-2", "the router does not see the condition, so that it knows which experts to ask only as the picture takes shape; not measured on this model");

    private static string Version(ModelManifest manifest) => "c" + Convert.ToHexStringLower(SHA256.HashData(BlobJson.Serialize(manifest)))[..VersionDigits];

    private async Task<ImportedModel> PublishAsync(ModelManifest manifest, ImportedFile[] files, CancellationToken cancellationToken)
    {
        var existed = await blobs.ExistsAsync(BlobNames.ModelManifest(manifest.Name, manifest.Version), cancellationToken);
        while (true)
        {
            foreach (var file in files)
            {
                await publication.WriteWeightsAsync(file.Sha256, (stream, _) => device.RunAsync(() => file.Write(stream)), cancellationToken);
            }

            // Weights that were there and that nobody named may have been collected since. No collection runs while the gate is held, and the next one finds them named.
            using var gate = enter();
            if (await AllThereAsync(files, cancellationToken))
            {
                return new ImportedModel(await publication.PublishAsync(manifest, cancellationToken), existed);
            }
        }
    }

    private async Task<bool> AllThereAsync(ImportedFile[] files, CancellationToken cancellationToken)
    {
        foreach (var file in files)
        {
            if (!await blobs.ExistsAsync(BlobNames.Weights(file.Sha256), cancellationToken))
            {
                return false;
            }
        }

        return true;
    }
}
