using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Tests;

/// <summary>Blobs in the places of what the stages before training leave, for runs that nothing reads them of: a retry makes anew what is missing.</summary>
internal static class PlaceholderProducts
{
    /// <summary>Writes those of a run whose data set has one shard.</summary>
    public static async Task WriteAsync(IBlobStore blobs, string run, string dataset, int experts)
    {
        string[] products =
        [
            BlobNames.DatasetManifest(dataset), BlobNames.DatasetShard(dataset, 0), BlobNames.DatasetShardInfo(dataset, 0), BlobNames.Encoder(run), BlobNames.Features(run, 0),
            BlobNames.PartitionCentroids(run), BlobNames.PartitionManifest(run), BlobNames.Assignment(run, 0), .. Enumerable.Range(0, experts).Select(k => BlobNames.ClusterManifest(run, k)),
        ];
        foreach (var product in products)
        {
            await blobs.TryWriteAsync(product, "there"u8.ToArray(), WriteCondition.Any, CancellationToken.None);
        }
    }
}
