using static TorchSharp.torch;

namespace Ddm.Partitioning;

/// <summary>The fine centroids of a sample while they are being split: after every change each row goes to its nearest again.</summary>
internal sealed class FineClusters
{
    private const int MaxParts = 16;

    private readonly Tensor features; // [N, D] float32, contiguous
    private readonly long seed;
    private readonly HashSet<int> unsplittable = [];
    private int splits;

    public FineClusters(Tensor features, KMeansResult fit, long seed)
    {
        this.features = features;
        this.seed = seed;
        Dimensions = fit.Dimensions;
        Centroids = fit.Centroids;
        Assignment = fit.Assignment;
        Sizes = Count(fit.Assignment, fit.Clusters);
        Inertia = fit.Inertia;
    }

    /// <summary>D.</summary>
    public int Dimensions { get; }

    /// <summary>[F, D], row by row.</summary>
    public float[] Centroids { get; private set; }

    /// <summary>[N]: nearest fine centroid.</summary>
    public int[] Assignment { get; private set; }

    /// <summary>[F]: rows, at least 1.</summary>
    public long[] Sizes { get; private set; }

    /// <summary>Sum of squared distances to the nearest fine centroid.</summary>
    public double Inertia { get; private set; }

    /// <summary>The largest cluster that might still be split and has more rows than <paramref name="above"/>; -1: none.</summary>
    public int LargestSplittable(double above)
    {
        var largest = -1;
        for (var f = 0; f < Sizes.Length; f++)
        {
            if (Sizes[f] > above && Sizes[f] > 1 && !unsplittable.Contains(f) && (largest < 0 || Sizes[f] > Sizes[largest]))
            {
                largest = f;
            }
        }

        return largest;
    }

    /// <summary>Cuts one cluster into parts of about <paramref name="target"/> rows by k-means on its own rows.</summary>
    /// <returns>False: its rows are all the same.</returns>
    public bool TrySplit(int cluster, double target)
    {
        using var scope = NewDisposeScope();
        var members = Enumerable.Range(0, Assignment.Length).Where(i => Assignment[i] == cluster).Select(i => (long)i).ToArray();
        var parts = (int)Math.Clamp(Math.Ceiling(members.Length / target), 2, Math.Min(MaxParts, members.Length));
        var split = KMeans.Fit(features.index_select(0, tensor(members)), null, parts, unchecked(seed + ++splits));
        if (split.Clusters < 2)
        {
            unsplittable.Add(cluster);
            return false;
        }

        // The first part takes the cluster's place, so that other clusters keep their numbers.
        var grown = new float[Centroids.Length + (split.Clusters - 1) * Dimensions];
        Centroids.CopyTo(grown, 0);
        split.Centroids.AsSpan(0, Dimensions).CopyTo(grown.AsSpan(cluster * Dimensions));
        split.Centroids.AsSpan(Dimensions).CopyTo(grown.AsSpan(Centroids.Length));
        Reassign(grown);
        return true;
    }

    private void Reassign(float[] centroids)
    {
        var (nearest, inertia) = Nearest.Of(features, centroids, Dimensions);
        var sizes = Count(nearest, centroids.Length / Dimensions);
        (Centroids, Assignment, Sizes, Inertia) = (centroids, nearest, sizes, inertia);
        if (sizes.Contains(0))
        {
            DropEmpty();
        }
    }

    // Centroids that lost all their rows to a neighbour's new parts.
    private void DropEmpty()
    {
        var kept = Enumerable.Range(0, Sizes.Length).Where(f => Sizes[f] > 0).ToArray();
        var newIndex = new int[Sizes.Length];
        var dense = new float[kept.Length * Dimensions];
        for (var f = 0; f < kept.Length; f++)
        {
            newIndex[kept[f]] = f;
            Centroids.AsSpan(kept[f] * Dimensions, Dimensions).CopyTo(dense.AsSpan(f * Dimensions));
        }

        var still = unsplittable.Where(f => Sizes[f] > 0).Select(f => newIndex[f]).ToArray();
        unsplittable.Clear();
        unsplittable.UnionWith(still);
        Centroids = dense;
        Assignment = Array.ConvertAll(Assignment, f => newIndex[f]);
        Sizes = Array.ConvertAll(kept, f => Sizes[f]);
    }

    private static long[] Count(int[] assignment, int clusters)
    {
        var sizes = new long[clusters];
        foreach (var f in assignment)
        {
            sizes[f]++;
        }

        return sizes;
    }
}
