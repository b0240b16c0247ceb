using Ddm.Data;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>The barrier before training: writes each cluster's shuffled shards and its manifest, once and for all.</summary>
public sealed class FreezeClustersHandler(IBlobStore blobs, RunDataset datasets, ICommandSender sender) : ICommandHandler<FreezeClusters>
{
    /// <inheritdoc/>
    public async Task HandleAsync(FreezeClusters command, CancellationToken cancellationToken)
    {
        var (document, dataset) = await datasets.OpenAsync(command.Run, cancellationToken);
        await new ClusterFreezer(blobs).FreezeAsync(
            command.Run, document.Spec.Partition.Experts, dataset, ReadAssignmentAsync, document.Spec.Seed, document.Spec.Data.ShardRows, cancellationToken);
        await sender.AdvancedAsync(command.Run, cancellationToken);

        async Task<long[]> ReadAssignmentAsync(int shard)
        {
            return AssignShardHandler.Read(await blobs.ReadProductAsync(BlobNames.Assignment(command.Run, shard), cancellationToken));
        }
    }
}
