using Ddm.Partitioning;
using Ddm.Runs;
using Ddm.Storage;
using TorchSharp;

namespace Ddm.Services;

/// <summary>Fits fine and coarse centroids on a sample of the training rows' features.</summary>
public sealed class FitPartitionHandler(IBlobStore blobs, RunDataset datasets, DeviceThread device, ICommandSender sender, IRunProgress progress)
    : ICommandHandler<FitPartition>
{
    /// <inheritdoc/>
    public async Task HandleAsync(FitPartition command, CancellationToken cancellationToken)
    {
        if (!await blobs.ExistsAsync(BlobNames.PartitionManifest(command.Run), cancellationToken))
        {
            var (document, dataset) = await datasets.OpenAsync(command.Run, cancellationToken);
            var sample = new FeatureSample(document.Spec.Partition.SampleRows, document.Spec.Seed);
            foreach (var shard in dataset.Manifest.Shards)
            {
                var rows = await dataset.ReadShardAsync(shard.Index, cancellationToken);
                var features = await blobs.ReadProductAsync(BlobNames.Features(command.Run, shard.Index), cancellationToken);
                await device.RunAsync(() => sample.Add(features, rows.RowIds, rows.HeldOut));
            }

            await FitAsync(document, sample, cancellationToken);
        }

        await sender.AdvancedAsync(command.Run, cancellationToken);
    }

    private async Task FitAsync(RunDocument document, FeatureSample sample, CancellationToken cancellationToken)
    {
        var run = document.Name;
        var (report, centroids) = await device.RunAsync(() =>
        {
            using var scope = torch.NewDisposeScope();
            using var noGrad = torch.no_grad();
            var features = sample.ToTensor();
            var partition = Partitioner.Fit(features, document.Spec.Partition, document.Spec.Seed);
            var assignment = Partitioner.Assign(partition, features);
            var silhouette = SilhouetteScore.Measure(features, assignment, partition.Experts, document.Spec.Seed);
            var report = PartitionReport.Create(partition, assignment, null, 0, silhouette);
            using var stream = new MemoryStream();
            partition.Save(stream);
            return (report, stream.ToArray());
        });

        foreach (var warning in report.Warnings)
        {
            progress.Notice(warning);
        }

        // Parts before the manifest: the manifest is the barrier.
        await blobs.TryWriteAsync(BlobNames.PartitionCentroids(run), SafetensorsSeal.Apply(centroids), WriteCondition.IfAbsent, cancellationToken);
        await blobs.TryWriteJsonAsync(BlobNames.PartitionManifest(run), report, WriteCondition.IfAbsent, cancellationToken);
    }
}
