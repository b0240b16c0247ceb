using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Partitioning;

/// <summary>
/// k-means: greedy k-means++ seeding of a sample, Lloyd's iteration on the sample and then on all points, restarts. Distances are float32, sums of points
/// float64. The points are not copied. The result is a function of points, weights, seed and options on a fixed number of threads.
/// </summary>
public static class KMeans
{
    private const int MinSample = 16384, SampleOfCluster = 32; // seeding from 16 points a cluster cost 1% of inertia on skewed mixtures
    private const int WarmUp = 5; // iterations on the sample

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
            var found = Lloyd.Run(set, Seeds(set, k, philox, options), options);
            // More clusters first: a restart whose seeds coincided must not win.
            if (best is null || (found.Clusters, -found.Inertia).CompareTo((best.Clusters, -best.Inertia)) > 0)
            {
                best = found;
            }
        }

        return Uncentre(best!, set.Mean);
    }

    // Seeds and the first, coarsest moves are taken from a sample: all points are looked at once the centroids are about right.
    private static float[] Seeds(PointSet set, int k, Philox philox, KMeansOptions options)
    {
        var size = Math.Max(MinSample, SampleOfCluster * k);
        if (set.Count <= size)
        {
            return KMeansSeeding.Choose(set, k, philox);
        }

        using var sample = set.Take(RowSample.Draw(set.Count, size, philox));
        return Lloyd.Run(sample, KMeansSeeding.Choose(sample, k, philox), options with { MaxIterations = WarmUp }).Centroids;
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
