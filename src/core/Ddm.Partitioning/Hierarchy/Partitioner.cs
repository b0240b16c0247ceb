using System.Globalization;
using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Partitioning;

/// <summary>
/// Cuts a data set in two levels, as the paper does by way of MetaCLIP's MoDE: many fine centroids, then K clusters of fine centroids weighted by
/// their sizes and bounded by the cap. A row goes to its nearest fine centroid and from there through the map.
/// </summary>
public static class Partitioner
{
    private const int MaxFine = 1024;
    private const int RowsOfFine = 39; // fewer rows a centroid than this and k-means fits noise (faiss warns at the same number)
    private const int MaxSplits = 256;
    private const double Loosening = 1.05;

    /// <summary>Finds the partition.</summary>
    /// <param name="features">[N, D], the rows that may be trained on; more than the spec's sample rows are thinned out at random.</param>
    /// <param name="spec">K, fine centroids, cap, restarts.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="progress">Told what is being done; null: nobody.</param>
    /// <exception cref="UserErrorException">
    /// Fewer images, or fewer different ones, than experts; features that are not finite; an impossible number of fine centroids.
    /// </exception>
    public static Partition Fit(Tensor features, PartitionSpec spec, long seed, Action<string>? progress = null)
    {
        TorchNative.EnsureLoaded();
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var total = features.dim() == 2 ? (int)features.size(0) : 0;
        if (total < spec.Experts)
        {
            throw new UserErrorException($"{total} images cannot be cut into partition.experts: {spec.Experts} clusters. " +
                "Give more images or ask for fewer experts.");
        }

        var sample = Sample(features, spec, seed);
        var rows = (int)sample.size(0);
        var fine = FineCount(spec, rows);
        progress?.Invoke(string.Create(CultureInfo.InvariantCulture, $"k-means of {rows} of {total} images into {fine} fine clusters"));
        var fit = KMeans.Fit(sample, null, fine, seed, new KMeansOptions { Restarts = spec.Restarts });
        if (fit.Clusters < spec.Experts)
        {
            throw new UserErrorException(
                $"{rows} images have only {fit.Clusters} different features: they cannot be cut into partition.experts: {spec.Experts} clusters. " +
                    $"Remove copies, give more images, or ask for fewer experts.");
        }

        if (spec.Fine is { } asked && fit.Clusters < asked)
        {
            throw new UserErrorException($"partition.fine: {asked} centroids were asked for, but {rows} images have only {fit.Clusters} different features. " +
                $"Ask for at most {fit.Clusters}, remove copies, or leave it out.");
        }

        string[] warnings = fit.Clusters == fine ? [] : [
            $"{fit.Clusters} fine clusters instead of {fine}: {rows} images have only {fit.Clusters} different features. Are there copies among them?"];
        progress?.Invoke(string.Create(CultureInfo.InvariantCulture, $"{fit.Clusters} fine clusters into {spec.Experts}, none above {spec.Cap} x the mean"));
        var partition = Consolidate(new FineClusters(sample, fit, seed), spec, rows, seed, progress);
        return partition with { Warnings = [.. warnings, .. partition.Warnings] };
    }

    /// <summary>The cluster of each row.</summary>
    /// <param name="partition">A fitted partition.</param>
    /// <param name="features">[N, D].</param>
    /// <exception cref="UserErrorException">Features that are not finite.</exception>
    public static int[] Assign(Partition partition, Tensor features)
    {
        TorchNative.EnsureLoaded();
        if (features.dim() != 2 || features.size(1) != partition.Dimensions)
        {
            throw new ArgumentException($"features of shape [{string.Join(", ", features.shape)}] for a partition of " +
                $"{partition.Dimensions} dimensions", nameof(features));
        }

        if (features.size(0) == 0)
        {
            return [];
        }

        using var scope = NewDisposeScope();
        var dense = features.to(float32).cpu().contiguous();
        PointSet.RequireFinite(dense);
        var (fine, _) = Nearest.Of(dense, partition.FineCentroids, partition.Dimensions);
        return Array.ConvertAll(fine, f => partition.CoarseOfFine[f]);
    }

    private static Tensor Sample(Tensor features, PartitionSpec spec, long seed)
    {
        var dense = features.to(float32).cpu().contiguous();
        if (dense.size(0) <= spec.SampleRows)
        {
            return dense;
        }

        var rows = RowSample.Draw((int)dense.size(0), Math.Max(spec.SampleRows, spec.Experts), Philox.Create(seed, 0, RandomStreams.Sampling));
        return dense.index_select(0, tensor(Array.ConvertAll(rows, row => (long)row)));
    }

    private static int FineCount(PartitionSpec spec, int rows)
    {
        if (spec.Fine is not { } asked)
        {
            return Math.Max(spec.Experts, Math.Min(MaxFine, rows / RowsOfFine));
        }

        return asked >= spec.Experts && asked <= rows
            ? asked
            : throw new UserErrorException($"partition.fine: {asked} is not between partition.experts ({spec.Experts}) " +
                $"and the {rows} images it is fitted on. Leave it out for {Math.Max(spec.Experts, Math.Min(MaxFine, rows / RowsOfFine))}.");
    }

    // Splits what is too heavy until the fine clusters can be packed under the cap, or until nothing can be split further.
    private static Partition Consolidate(FineClusters fine, PartitionSpec spec, int rows, long seed, Action<string>? progress)
    {
        var mean = (double)rows / spec.Experts;
        var capacity = spec.Cap * mean;
        var warnings = new List<string>();
        for (var splits = 0; ; splits++)
        {
            var heavy = fine.LargestSplittable(above: capacity);
            if (heavy < 0 && fine.Sizes.Max() > capacity)
            {
                capacity = Loosen(fine, capacity, mean, warnings, progress);
                continue;
            }

            if (heavy < 0 && Pack(fine, spec, capacity, seed) is { } packed)
            {
                return Finish(fine, packed, spec, warnings);
            }

            heavy = heavy >= 0 ? heavy : fine.LargestSplittable(above: 1);
            if (heavy >= 0 && splits < MaxSplits)
            {
                var size = fine.Sizes[heavy];
                var done = fine.TrySplit(heavy, target: Math.Min(capacity, size) / 2);
                progress?.Invoke(string.Create(CultureInfo.InvariantCulture, $"fine cluster {heavy} of {size} images {(done ? "split" : "cannot be split")}"));
            }
            else
            {
                capacity = Loosen(fine, capacity, mean, warnings, progress);
            }
        }
    }

    private static double Loosen(FineClusters fine, double capacity, double mean, List<string> warnings, Action<string>? progress)
    {
        if (capacity > 2 * fine.Assignment.Length)
        {
            throw new UserErrorException(string.Create(CultureInfo.InvariantCulture,
                $"The {fine.Sizes.Length} different features of {fine.Assignment.Length} images lie too close together to be told apart as " +
                    $"{fine.Assignment.Length / mean:F0} clusters. Ask for fewer experts or give other images."));
        }

        var loosened = Math.Max(capacity * Loosening, fine.Sizes.Max());
        warnings.Clear();
        warnings.Add(string.Create(CultureInfo.InvariantCulture,
            $"Clusters up to {loosened / mean:F2} x the mean had to be allowed: the largest group of images with the same features has {fine.Sizes.Max()}, " +
                $"the mean cluster {mean:F0}. Remove copies, or ask for fewer experts."));
        progress?.Invoke(warnings[0]);
        return loosened;
    }

    private static BalancedResult? Pack(FineClusters fine, PartitionSpec spec, double capacity, long seed)
        => BalancedKMeans.Fit(fine.Centroids, Array.ConvertAll(fine.Sizes, size => (double)size), spec.Experts, capacity, seed);

    private static Partition Finish(FineClusters fine, BalancedResult packed, PartitionSpec spec, List<string> warnings) => new(
        spec.Experts, fine.Dimensions, fine.Centroids, packed.Assignment, fine.Sizes, packed.Centroids, fine.Inertia, spec.Cap, warnings);
}
