using Ddm.Data;
using Ddm.Evaluation;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Measures what captions are worth to a model on its run's held-out rows.</summary>
public sealed class CaptionMeasurement(IBlobStore blobs, DeviceThread device)
{
    private const int MostRows = 20_000;
    private const long MostBytes = 1L << 30;

    /// <summary>Measures a model.</summary>
    /// <param name="model">A model of a run that this store holds.</param>
    /// <param name="blind">A model of the same clusters whose router is compared as the blind one; null: the model's own router, told of no caption.</param>
    /// <param name="options">Draws and seed.</param>
    /// <param name="cancellationToken">Stops the measurement.</param>
    /// <exception cref="UserErrorException">There is nothing to measure, or the models are of different clusters.</exception>
    public async Task<CaptionReport> MeasureAsync(LoadedModel model, LoadedModel? blind, CaptionOptions options, CancellationToken cancellationToken)
    {
        RequireRun(model);
        var (name, experts) = (model.Manifest.Name, model.Manifest.Experts.Count);
        if (blind is not null && (blind.Manifest.Experts.Count != experts || blind.Manifest.Latent?.Size != model.Manifest.Latent?.Size || blind.Manifest.ImageSize != model.Manifest.ImageSize))
        {
            throw new UserErrorException($"model {blind.Manifest.Name} has other clusters or pictures than {name}: its router cannot stand in. Train it on the same data, partition and seed.");
        }

        var data = await ClusterDataset.OpenAsync(blobs, name, [.. Enumerable.Range(0, experts)], heldOut: true, cancellationToken);
        if (blind is not null)
        {
            RequireRun(blind);
            RequireBlind(blind);
            await RequireSameClustersAsync(data, blind, cancellationToken);
        }

        var width = data.Format.RowBytes + new RowText(data.Text ?? throw new UserErrorException($"the clusters of {name} hold no captions.")).RowBytes;
        var rows = await EvaluationRows.LoadAsync(data, (int)Math.Min(MostRows, MostBytes / width), cancellationToken);
        return await device.RunAsync(() => CaptionAgreement.Measure(
                model.Ensemble, rows, blind is null ? null : (blind.RouterModel, $"the router of {blind.Manifest.Name}"), options, cancellationToken))
            ?? throw new UserErrorException($"model {name}: no cluster has two held-out pictures of different captions, or an expert is missing; nothing can be measured.");
    }

    private static void RequireRun(LoadedModel model)
    {
        if (model.Manifest.ClusterRows.Count == 0)
        {
            throw new UserErrorException($"model {model.Manifest.Name} was imported: there are no held-out pictures of its data here.");
        }
    }

    private static void RequireBlind(LoadedModel model)
    {
        if (model.Manifest is { Text: not null, RouterNetwork.TextCondition: true })
        {
            throw new UserErrorException($"the router of {model.Manifest.Name} sees captions: give a model whose spec says 'text_condition: false' under router.network.");
        }
    }

    private async Task RequireSameClustersAsync(ClusterDataset data, LoadedModel blind, CancellationToken cancellationToken)
    {
        var others = await ClusterDataset.OpenAsync(blobs, blind.Manifest.Name, [.. Enumerable.Range(0, blind.Manifest.Experts.Count)], heldOut: true, cancellationToken);
        if (!data.Manifests.Select(manifest => manifest.PartitionSha256).SequenceEqual(others.Manifests.Select(manifest => manifest.PartitionSha256)))
        {
            throw new UserErrorException($"the clusters of {blind.Manifest.Name} are other rows than those of {data.Manifests[0].Run}: its router cannot stand in. Train it on the same data, partition and seed.");
        }
    }
}
