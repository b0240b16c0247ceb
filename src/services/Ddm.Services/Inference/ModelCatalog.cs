using System.Security.Cryptography;
using Ddm.Data;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Training;

namespace Ddm.Services;

/// <summary>Finds what can be drawn from: published models, and runs as far as they have come.</summary>
public sealed class ModelCatalog(IBlobStore blobs, CheckpointStore checkpoints, RunRepository runs, TimeProvider time)
{
    /// <summary>The published model of this name, or its run as it stands.</summary>
    /// <exception cref="UserErrorException">Neither exists, or nothing is committed yet.</exception>
    public async Task<ModelManifest> FindAsync(string name, CancellationToken cancellationToken)
        => await FindPublishedAsync(name, cancellationToken) ?? await OfRunAsync(await runs.GetAsync(name, cancellationToken), cancellationToken);

    /// <summary>The current published version, its manifest's hash verified; null when none is published.</summary>
    /// <exception cref="UserErrorException">A newer program published it.</exception>
    public async Task<ModelManifest?> FindPublishedAsync(string name, CancellationToken cancellationToken)
    {
        var current = await FindCurrentAsync(name, cancellationToken);
        return current is null ? null : await OpenAsync(name, current, cancellationToken);
    }

    /// <summary>Which version of a model is current; null when none is published.</summary>
    public async Task<CurrentModel?> FindCurrentAsync(string name, CancellationToken cancellationToken)
        => (await blobs.ReadJsonAsync<CurrentModel>(BlobNames.ModelCurrent(RunName.Require(name)), cancellationToken))?.Value;

    /// <summary>A published version, its manifest's hash verified.</summary>
    /// <exception cref="CheckpointException">The manifest is missing or was changed.</exception>
    /// <exception cref="UserErrorException">A newer program published it.</exception>
    public async Task<ModelManifest> OpenAsync(string name, CurrentModel current, CancellationToken cancellationToken)
    {
        var blobName = BlobNames.ModelManifest(name, current.Version);
        var blob = await blobs.ReadAsync(blobName, cancellationToken);
        if (blob is null || Convert.ToHexStringLower(SHA256.HashData(blob.Bytes)) != current.ManifestSha256)
        {
            throw new CheckpointException($"{blobName} is {(blob is null ? "missing" : "not what was published: its SHA-256 differs")}; 'ddm retry {name}' publishes the run again.");
        }

        var manifest = BlobJson.Parse<ModelManifest>(blobName, blob.Bytes);
        return manifest.Schema <= ModelManifest.CurrentSchema ? manifest
            : throw new UserErrorException($"{blobName} has schema {manifest.Schema}; this program reads up to {ModelManifest.CurrentSchema}. Upgrade it.");
    }

    /// <summary>A run as it stands: the EMA weights of every role that has committed.</summary>
    /// <exception cref="UserErrorException">The router or every expert is still without weights.</exception>
    public async Task<ModelManifest> OfRunAsync(RunDocument document, CancellationToken cancellationToken)
    {
        var spec = document.Spec;
        if (document.Status == RunStatus.Removing)
        {
            throw new UserErrorException($"run '{document.Name}' is half removed: nothing of it can be drawn. Finish with 'ddm rm {document.Name}'.");
        }

        var roles = new List<PublishedRole>();
        foreach (var decision in document.Roles)
        {
            roles.Add(await RoleAsync(document.Name, decision, cancellationToken));
        }

        var router = roles.FirstOrDefault(r => r.Role == Role.Router.Path);
        var experts = roles.Where(r => r.Role != Role.Router.Path).ToArray();
        if (router?.Weights is null || experts.All(e => e.Weights is null))
        {
            throw new UserErrorException(
                $"run '{document.Name}' (stage {document.Stage}) has no {(router?.Weights is null ? "router" : "expert")} checkpoint yet: nothing can be drawn. "
                + "Wait for the first commits; 'ddm status' shows them.");
        }

        var clusters = await ClusterDataset.OpenAsync(blobs, document.Name, [.. Enumerable.Range(0, spec.Partition.Experts)], heldOut: false, cancellationToken);
        var (dataset, _) = await blobs.ReadJsonAsync<DatasetManifest>(BlobNames.DatasetManifest(document.DatasetId!), cancellationToken)
            ?? throw new CheckpointException(RunRepair.WithRemedy($"{BlobNames.DatasetManifest(document.DatasetId!)} is missing."));
        return new ModelManifest
        {
            Name = document.Name,
            Version = document.ModelVersion!,
            PublishedAt = time.GetUtcNow(),
            ImageSize = spec.Data.ImageSize,
            Channels = spec.Data.Channels,
            Latent = await LatentAsync(document, cancellationToken),
            Text = clusters.Text is { } text
                ? new PublishedText(text, BlobNames.TextEncoder(document.Name), await HashAsync(BlobNames.TextEncoder(document.Name), cancellationToken))
                : null,
            ClassNames = dataset.ClassNames,
            TimeScale = new DiTConfig(1, 1, 1, 4, 1, 1, 1, 0, 0).TimeScale,
            Expert = NetworkPresets.Resolve(spec.Model),
            RouterNetwork = NetworkPresets.Resolve(spec.Router.Network),
            Sampling = spec.Sampling,
            ClusterRows = [.. clusters.Manifests.Select(m => m.ClassRows)],
            DataManifestSha256 = clusters.ManifestSha256,
            Init = document.Init,
            Experts = experts,
            Router = router,
        };
    }

    private async Task<PublishedLatent?> LatentAsync(RunDocument document, CancellationToken cancellationToken)
    {
        if (document.Spec.Latent.Vae is null)
        {
            return null;
        }

        var (name, input) = (BlobNames.Autoencoder(document.Name), document.Spec.Input());
        return new PublishedLatent(input.Channels, input.Size, name, await HashAsync(name, cancellationToken));
    }

    private async Task<string> HashAsync(string name, CancellationToken cancellationToken)
    {
        await using var stream = await blobs.OpenReadAsync(name, cancellationToken) ?? throw new CheckpointException($"{name} is missing.");
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellationToken));
    }

    private async Task<PublishedRole> RoleAsync(string run, RoleDecision decision, CancellationToken cancellationToken)
    {
        // The newest whole one, every part verified: a damaged checkpoint must not become a model.
        var opened = await checkpoints.OpenAsync(run, Role.Parse(decision.Role), null, cancellationToken);
        if (opened?.Manifest.Parts.FirstOrDefault(p => p.Name == TrainingState.AveragePart) is not { } part)
        {
            return new PublishedRole(decision.Role, 0, decision.TargetSteps, null, null);
        }

        return new PublishedRole(decision.Role, opened.Manifest.Step, decision.TargetSteps, opened.Folder + part.Name, part.Sha256);
    }
}
