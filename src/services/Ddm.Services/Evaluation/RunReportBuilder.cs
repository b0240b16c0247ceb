using Ddm.Data;
using Ddm.Encoders;
using Ddm.Evaluation;
using Ddm.Partitioning;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;

namespace Ddm.Services;

/// <summary>Gathers what a run's report shows: from its blobs, and by measuring router and pictures.</summary>
public sealed class RunReportBuilder(
    IBlobStore blobs, CheckpointStore checkpoints, ModelLoader loader, RunDataset datasets, RunSeeds seeds, ContactSheets contactSheets, DeviceThread device, TimeProvider time)
{
    private const int RouterRows = 500;

    /// <summary>The report of a run whose roles have all committed.</summary>
    /// <param name="document">The run.</param>
    /// <param name="manifest">What its checkpoints make.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    public async Task<ReportModel> BuildAsync(RunDocument document, ModelManifest manifest, CancellationToken cancellationToken)
    {
        var dataset = (await datasets.OpenAsync(document, cancellationToken)).Manifest;
        var all = Enumerable.Range(0, document.Spec.Partition.Experts).ToArray();
        var training = await ClusterDataset.OpenAsync(blobs, document.Name, all, heldOut: false, cancellationToken);
        var heldOut = await ClusterDataset.OpenAsync(blobs, document.Name, all, heldOut: true, cancellationToken);
        using var model = await loader.OpenAsync(manifest, cancellationToken);
        var rows = await EvaluationRows.LoadAsync(heldOut, RouterRows, cancellationToken);
        var router = rows.Count == 0 ? null : await device.RunAsync(() => RouterDiagnostics.Measure(
            model.RouterModel, rows, all.Length, new RouterDiagnosticsOptions { Seed = document.Spec.Seed }, cancellationToken));
        var captions = await device.RunAsync(
            () => CaptionAgreement.Measure(model.Ensemble, rows, null, new CaptionOptions { Seed = document.Spec.Seed, Draws = 1 }, cancellationToken));
        var prompts = model.Captions is null ? [] : await HeldOutPrompts.ReadAsync(blobs, document, SampleGrids.PromptColumns, cancellationToken);
        var grids = await device.RunAsync(() => SampleGrids.Draw(model, prompts, cancellationToken));
        var damaged = new List<string>();
        var roles = await RoleHistories.ReadAsync(blobs, checkpoints, document, dataset.ClassNames.Count, training.Text, damaged, cancellationToken);
        return new ReportModel
        {
            RunName = document.Name,
            SpecText = document.SpecText,
            WrittenAt = time.GetUtcNow(),
            ModelVersion = document.ModelVersion,
            DefaultStrategy = model.Manifest.Routing,
            Warnings = [.. model.Notices, .. damaged],
            Dataset = new DatasetFacts(
                dataset.Id, training.Rows, heldOut.Rows, dataset.Quarantined, dataset.ImageSize, dataset.Channels, dataset.ClassNames),
            Clusters = await ClustersAsync(document, training, model.Codec, cancellationToken),
            Roles = roles,
            Start = document.Init is null ? null : (await seeds.ReadAsync(document.Name, cancellationToken)).Fit.Describe(),
            Router = router,
            Captions = captions,
            Grids = grids,
            Stages = Stages(await RunEvents.ReadAsync(blobs, document.Name, cancellationToken), time.GetUtcNow()),
            Numerics = document.Numerics,
            Versions = [new NamedValue("libraries", TorchRuntime.LibraryVersions), new NamedValue("data", training.ManifestSha256)],
            Commands =
            [
                new ReportCommand("train the same model again, bit for bit on the same numerics class", "ddm run SPEC.yaml --home NEW-FOLDER"),
                new ReportCommand("see every role's step and the hash of its weights", $"ddm inspect {document.Name} --json"),
                new ReportCommand("draw pictures", $"ddm sample {document.Name} --n 40 --seed 1000"),
                model.Captions is null
                    ? new ReportCommand("measure agreement with the asked class", $"ddm eval {document.Name} --n 1000")
                    : new ReportCommand("measure what captions are worth", $"ddm eval {document.Name}"),
            ],
        };
    }

    // From one stage event to the next, on the wall clock.
    private static IReadOnlyList<StageCost> Stages(IReadOnlyList<RunEvent> events, DateTimeOffset now)
    {
        var stages = events.Where(e => e.Kind == RunEvent.Stage).ToArray();
        return [.. stages.Select((e, i) => new StageCost(e.Text, ((i + 1 < stages.Length ? stages[i + 1].At : now) - e.At).TotalSeconds))];
    }

    private async Task<ClusterFacts> ClustersAsync(RunDocument document, ClusterDataset training, LatentCodec? codec, CancellationToken cancellationToken)
    {
        var (partition, _) = await blobs.ReadJsonAsync<PartitionReport>(BlobNames.PartitionManifest(document.Name), cancellationToken)
            ?? throw new InvalidOperationException($"The partition of run {document.Name} is missing.");
        var sheets = new List<ReadOnlyMemory<byte>>();
        for (var k = 0; k < training.RowsOfCluster.Count; k++)
        {
            sheets.Add(await contactSheets.DrawAsync(
                document.Name, k, codec is null ? null : rows => device.RunAsync(() => rows.Decoded(codec.Decode)), cancellationToken) ?? []);
        }

        var sizes = training.RowsOfCluster;
        return new ClusterFacts
        {
            Features = document.Spec.Features.Encoder,
            FineCentroids = partition.Fine,
            Sizes = sizes,
            Cap = document.Spec.Partition.Cap,
            Imbalance = sizes.Max() / sizes.Average(),
            Silhouette = partition.Silhouette,
            ClassesByCluster = training.Manifests.All(m => m.ClassRows.Count > 1) ? [.. training.Manifests.Select(m => m.ClassRows)] : null,
            ContactSheets = sheets,
        };
    }
}
