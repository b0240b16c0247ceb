using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Partitioning;

/// <summary>
/// k-means of a few weighted points under a bound on the weight of a cluster. Starts from unbounded weighted k-means, moves points out of
/// clusters that are too heavy where that costs least, then alternates centroids with single moves and swaps that lower the inertia and keep the bound.
/// </summary>
public static class BalancedKMeans
{
    private const int Starts = 4;
    private const int KMeansRestarts = 16; // a few hundred points: restarts cost next to nothing
    private const int MaxRounds = 50;

    /// <summary>Clusters the points.</summary>
    /// <param name="points">[F, D], row by row.</param>
    /// <param name="weights">[F], above 0.</param>
    /// <param name="k">Clusters, 1 to F.</param>
    /// <param name="capacity">Largest weight of a cluster.</param>
    /// <param name="seed">Decides the starts.</param>
    /// <returns>The lowest inertia found within the bound; null when no placement within it was found.</returns>
    public static BalancedResult? Fit(float[] points, double[] weights, int k, double capacity, long seed)
    {
        TorchNative.EnsureLoaded();
        if (weights.Max() > capacity)
        {
            return null;
        }

        BalancedResult? best = null;
        using var rows = tensor(points, [weights.Length, points.Length / weights.Length]);
        using var masses = tensor(Array.ConvertAll(weights, weight => (float)weight));
        for (var start = 0; start < Starts; start++)
        {
            // Each start is the best of several seedings; they share no seed.
            var free = KMeans.Fit(rows, masses, k, unchecked(seed + ((long)start << 32)), new KMeansOptions { Restarts = KMeansRestarts, Tolerance = 0, Gain = 0 });
            if (free.Clusters < k)
            {
                return null;
            }

            var found = FitFrom(points, weights, free, capacity);
            if (found is not null && (best is null || found.Inertia < best.Inertia))
            {
                best = found;
            }
        }

        return best;
    }

    private static BalancedResult? FitFrom(float[] points, double[] weights, KMeansResult free, double capacity)
    {
        var centroids = free.Centroids;
        var placement = new CapacityPlacement(weights, free.Clusters, capacity, free.Assignment);
        for (var round = 0; round < MaxRounds; round++)
        {
            placement.Measure(points, centroids);
            if (round == 0 && !placement.TryRepair())
            {
                return null;
            }

            var improved = placement.Improve();
            centroids = Means(points, weights, placement.Assignment, free.Clusters);
            if (!improved && round > 0)
            {
                break;
            }
        }

        placement.Measure(points, centroids);
        return new BalancedResult(placement.Assignment, centroids, placement.Loads, placement.Cost);
    }

    private static float[] Means(float[] points, double[] weights, int[] assignment, int clusters)
    {
        var dimensions = points.Length / weights.Length;
        var sums = new double[clusters * dimensions];
        var loads = new double[clusters];
        for (var i = 0; i < weights.Length; i++)
        {
            loads[assignment[i]] += weights[i];
            for (var d = 0; d < dimensions; d++)
            {
                sums[assignment[i] * dimensions + d] += weights[i] * points[i * dimensions + d];
            }
        }

        var means = new float[sums.Length];
        for (var i = 0; i < means.Length; i++)
        {
            means[i] = (float)(sums[i] / loads[i / dimensions]);
        }

        return means;
    }
}
