using System.Globalization;

namespace Ddm.Partitioning;

/// <summary>How good a partition is.</summary>
/// <param name="Sizes">[K]: rows of each cluster.</param>
/// <param name="Imbalance">Largest cluster over the mean.</param>
/// <param name="Silhouette">Mean silhouette of a sample, -1 to 1; 0 where it is not defined (one cluster).</param>
/// <param name="Inertia">Sum over the fitted rows of the squared distance to the fine centroid.</param>
/// <param name="Fine">Fine centroids.</param>
/// <param name="ClassesByCluster">[K][classes]: rows of each class in each cluster; null: no labels.</param>
/// <param name="Warnings">What a person should know.</param>
public sealed record PartitionReport(
    long[] Sizes, double Imbalance, double Silhouette, double Inertia, int Fine, long[][]? ClassesByCluster, IReadOnlyList<string> Warnings)
{
    private const double HighImbalance = 1.5;

    /// <summary>Puts a report together.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="assignment">[N]: the cluster of every training row.</param>
    /// <param name="labels">[N]: their classes, -1 none; null: no labels.</param>
    /// <param name="classes">How many classes there are.</param>
    /// <param name="silhouette">From <see cref="SilhouetteScore"/>.</param>
    public static PartitionReport Create(Partition partition, IReadOnlyList<int> assignment, IReadOnlyList<long>? labels, int classes, double silhouette)
    {
        var sizes = new long[partition.Experts];
        var table = labels is null || classes == 0 ? null : Enumerable.Range(0, partition.Experts).Select(_ => new long[classes]).ToArray();
        for (var i = 0; i < assignment.Count; i++)
        {
            sizes[assignment[i]]++;
            if (table is not null && labels![i] >= 0)
            {
                table[assignment[i]][labels[i]]++;
            }
        }

        var imbalance = sizes.Max() * (double)partition.Experts / Math.Max(1, assignment.Count);
        List<string> warnings = [.. partition.Warnings];
        if (imbalance > HighImbalance)
        {
            var largest = imbalance.ToString("F2", CultureInfo.InvariantCulture);
            warnings.Add($"The largest cluster has {largest} x the mean: its expert sees its images more rarely than the others theirs.");
        }

        return new PartitionReport(sizes, imbalance, silhouette, partition.Inertia, partition.Fine, table, warnings);
    }
}
