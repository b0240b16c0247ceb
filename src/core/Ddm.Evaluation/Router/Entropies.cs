namespace Ddm.Evaluation;

/// <summary>Entropies of counts, natural logarithm.</summary>
internal static class Entropies
{
    /// <summary>Entropy of the shares of <paramref name="counts"/>; 0 when all are 0.</summary>
    public static double OfCounts(IEnumerable<long> counts)
    {
        var present = counts.Where(count => count > 0).Select(count => (double)count).ToArray();
        var total = present.Sum();
        return -present.Sum(count => count / total * Math.Log(count / total));
    }

    /// <summary>H(cluster | class), from the joint counts of the rows.</summary>
    public static double ClusterGivenClass(int[] clusters, long[] labels, int k)
        => clusters.Zip(labels).GroupBy(pair => pair.Second).Sum(group =>
        {
            var counts = new long[k];
            foreach (var (cluster, _) in group)
            {
                counts[cluster]++;
            }

            return counts.Sum() / (double)clusters.Length * OfCounts(counts);
        });
}
