using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Partitioning;

/// <summary>
/// k-means: greedy k-means++ seeding, Lloyd's iteration, restarts. Distances come from matrix products in float32 over blocks of points, sums
/// of points are float64. The result is a function of points, weights, seed and options on a fixed number of threads.
/// </summary>
public static class KMeans
{
    /// <summary>Clusters points.</summary>
    /// <param name="points">[N, D], any float type.</param>
    /// <param name="weights">[N], at least 0; null: all one.</param>
    /// <param name="k">Clusters asked for, 1 to N.</param>
    /// <param name="seed">Decides the seedings.</param>
    /// <param name="options">How to search; null: the defaults.</param>
    /// <exception cref="UserErrorException">Fewer points than clusters, or features that are not finite.</exception>
    public static KMeansResult Fit(Tensor points, Tensor? weights, int k, long seed, KMeansOptions? options = null)
    {
        TorchNative.EnsureLoaded();
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        options ??= new KMeansOptions();
        using var set = PointSet.Create(points, weights);
        if (set.Count < k)
        {
            throw new UserErrorException($"{set.Count} images cannot be cut into {k} clusters. Give more images or ask for fewer clusters.");
        }

        KMeansResult? best = null;
        for (var restart = 0; restart < Math.Max(1, options.Restarts); restart++)
        {
            var philox = Philox.Create(seed, (uint)restart, RandomStreams.Clustering);
            var found = Lloyd.Run(set, KMeansSeeding.Choose(set, k, philox), options);
            // More clusters first: a restart whose seeds coincided must not win.
            if (best is null || (found.Clusters, -found.Inertia).CompareTo((best.Clusters, -best.Inertia)) > 0)
            {
                best = found;
            }
        }

        return Uncentre(best!, set.Mean);
    }

    private static KMeansResult Uncentre(KMeansResult result, float[] mean)
    {
        var centroids = (float[])result.Centroids.Clone();
        for (var i = 0; i < centroids.Length; i++)
        {
            centroids[i] += mean[i % mean.Length];
        }

        return result with { Centroids = centroids };
    }
}
