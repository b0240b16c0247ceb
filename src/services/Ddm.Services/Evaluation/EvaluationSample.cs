using Ddm.Data;
using Ddm.Evaluation;

namespace Ddm.Services;

/// <summary>Rows of frozen clusters, read into memory for a measurement.</summary>
internal static class EvaluationSample
{
    /// <summary>
    /// The first rows of each cluster in proportion to its size. Cluster shards are shuffled, so that first rows are a random sample.
    /// </summary>
    /// <param name="data">Which rows.</param>
    /// <param name="most">Rows at most, over all clusters.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    public static async Task<EvaluationRows> ReadAsync(ClusterDataset data, long most, CancellationToken cancellationToken)
    {
        var rowBytes = data.Channels * data.Size * data.Size;
        var share = Math.Min(1.0, most / (double)Math.Max(1, data.Rows));
        var left = data.RowsOfCluster.Select(rows => (int)Math.Ceiling(rows * share)).ToArray();
        var (pixels, labels, clusters) = (new List<byte>(), new List<long>(), new List<int>());
        var buffer = new byte[rowBytes];
        for (var shard = 0; shard < data.ShardRows.Length; shard++)
        {
            await data.LoadAsync([shard], cancellationToken);
            for (var row = 0; row < data.ShardRows[shard]; row++)
            {
                data.CopyRow(shard, row, buffer, out var label, out var cluster);
                if (left[cluster]-- <= 0)
                {
                    break;
                }

                pixels.AddRange(buffer);
                labels.Add(label);
                clusters.Add(cluster);
            }
        }

        await data.LoadAsync([], cancellationToken);
        return new EvaluationRows([.. pixels], data.Channels, data.Size, [.. labels], [.. clusters]);
    }
}
