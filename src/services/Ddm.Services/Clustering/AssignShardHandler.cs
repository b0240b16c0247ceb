using Ddm.Partitioning;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;
using TorchSharp;

namespace Ddm.Services;

/// <summary>Assigns one shard's rows to clusters through their nearest fine centroid: <c>cluster</c> [N] int64.</summary>
public sealed class AssignShardHandler(IBlobStore blobs, DeviceThread device, ICommandSender sender) : ICommandHandler<AssignShard>
{
    private const string ClusterTensor = "cluster";

    /// <inheritdoc/>
    public async Task HandleAsync(AssignShard command, CancellationToken cancellationToken)
    {
        var target = BlobNames.Assignment(command.Run, command.Shard);
        if (!await blobs.ExistsAsync(target, cancellationToken))
        {
            var centroids = await blobs.ReadProductAsync(BlobNames.PartitionCentroids(command.Run), cancellationToken);
            var features = await blobs.ReadProductAsync(BlobNames.Features(command.Run, command.Shard), cancellationToken);
            var bytes = await device.RunAsync(() => Assign(centroids, features));
            await blobs.TryWriteAsync(target, SafetensorsSeal.Apply(bytes), WriteCondition.IfAbsent, cancellationToken);
        }

        await sender.AdvancedAsync(command.Run, cancellationToken);
    }

    /// <summary>Reads a shard's assignment back.</summary>
    internal static long[] Read(byte[] bytes)
    {
        using var bundle = TensorFile.Load(new MemoryStream(bytes));
        return bundle.Tensors[ClusterTensor].data<long>().ToArray();
    }

    private static byte[] Assign(byte[] centroids, byte[] features)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        var partition = Partition.Load(new MemoryStream(centroids));
        using var bundle = TensorFile.Load(new MemoryStream(features));
        var clusters = Partitioner.Assign(partition, bundle.Tensors["features"]);
        using var stream = new MemoryStream();
        TensorFile.Save(stream, [(ClusterTensor, torch.tensor(Array.ConvertAll(clusters, k => (long)k)))]);
        return stream.ToArray();
    }
}
