using System.Numerics;
using static TorchSharp.torch;

namespace Ddm.Partitioning;

/// <summary>Lloyd's iteration from given centroids: assign, average, until nothing moves. Sums are float64, in the order of the points.</summary>
internal sealed class Lloyd
{
    private readonly PointSet set;
    private readonly KMeansOptions options;
    private readonly int clusters;
    private readonly int dimensions;
    private readonly float[] centroids; // [K, D]
    private readonly double[] sums; // [K, D]
    private readonly double[] weights; // [K]
    private readonly double[] inertias; // [K]
    private readonly int[] assignment; // [N]
    private readonly float[] distances; // [N]: squared, to the own centroid

    private Lloyd(PointSet set, float[] seeds, KMeansOptions options)
    {
        this.set = set;
        this.options = options;
        dimensions = set.Dimensions;
        clusters = seeds.Length / dimensions;
        centroids = seeds;
        sums = new double[seeds.Length];
        weights = new double[clusters];
        inertias = new double[clusters];
        assignment = new int[set.Count];
        distances = new float[set.Count];
    }

    /// <summary>Runs to convergence.</summary>
    /// <param name="set">The points.</param>
    /// <param name="seeds">[K, D] centred like the points; taken over.</param>
    /// <param name="options">When to stop.</param>
    /// <returns>Centroids still centred; clusters that ended empty left out.</returns>
    public static KMeansResult Run(PointSet set, float[] seeds, KMeansOptions options)
    {
        using var noGradient = no_grad();
        var lloyd = new Lloyd(set, seeds, options);
        var (iterations, settled) = (0, false);
        for (; ; iterations++)
        {
            lloyd.Assign();
            var repaired = lloyd.RepairEmpty();
            if ((settled && !repaired) || iterations >= options.MaxIterations)
            {
                return lloyd.Result(iterations);
            }

            settled = lloyd.MoveCentroids() <= options.Tolerance * set.MeanVariance;
        }
    }

    private void Assign()
    {
        Array.Clear(sums);
        Array.Clear(weights);
        Array.Clear(inertias);
        using var nearest = new NearestCentroid(centroids, dimensions, options.BlockRows);
        for (var start = 0; start < set.Count; start += nearest.BlockRows)
        {
            var count = Math.Min(nearest.BlockRows, set.Count - start);
            using var block = set.Centred.narrow(0, start, count);
            nearest.Find(block, assignment.AsSpan(start, count), distances.AsSpan(start, count));
            Accumulate(start, set.Rows(start, count));
        }
    }

    private void Accumulate(int start, ReadOnlySpan<float> rows)
    {
        for (var (i, at) = (start, 0); at < rows.Length; i++, at += dimensions)
        {
            var (k, weight) = (assignment[i], set.Weights?[i] ?? 1f);
            distances[i] = Math.Max(0f, distances[i] + set.SquaredNorms[i]);
            weights[k] += weight;
            inertias[k] += (double)weight * distances[i];
            AddTo(sums.AsSpan(k * dimensions, dimensions), rows.Slice(at, dimensions), weight);
        }
    }

    private static void AddTo(Span<double> sum, ReadOnlySpan<float> point, double weight)
    {
        var width = Vector<double>.Count;
        var i = 0;
        for (; i <= point.Length - 2 * width; i += 2 * width)
        {
            Vector.Widen(new Vector<float>(point[i..]), out var low, out var high);
            (new Vector<double>(sum[i..]) + weight * low).CopyTo(sum[i..]);
            (new Vector<double>(sum[(i + width)..]) + weight * high).CopyTo(sum[(i + width)..]);
        }

        for (; i < point.Length; i++)
        {
            sum[i] += weight * point[i];
        }
    }

    // An empty cluster takes the farthest point of the cluster with the largest inertia.
    private bool RepairEmpty()
    {
        var repaired = false;
        for (var empty = 0; empty < clusters; empty++)
        {
            if (weights[empty] > 0)
            {
                continue;
            }

            var largest = Array.IndexOf(inertias, inertias.Max());
            var farthest = Farthest(largest);
            if (farthest < 0)
            {
                return repaired; // all points sit on their centroids: fewer distinct points than clusters
            }

            GivePoint(farthest, largest, empty);
            repaired = true;
        }

        return repaired;
    }

    private int Farthest(int cluster)
    {
        var farthest = -1;
        for (var i = 0; i < assignment.Length; i++)
        {
            if (assignment[i] == cluster && distances[i] > 0 && set.Weights?[i] is null or > 0 && (farthest < 0 || distances[i] > distances[farthest]))
            {
                farthest = i;
            }
        }

        return farthest;
    }

    private void GivePoint(int point, int from, int to)
    {
        double weight = set.Weights?[point] ?? 1f;
        var row = set.Rows(point, 1);
        AddTo(sums.AsSpan(from * dimensions, dimensions), row, -weight);
        AddTo(sums.AsSpan(to * dimensions, dimensions), row, weight);
        weights[from] -= weight;
        weights[to] += weight;
        inertias[from] -= weight * distances[point];
        assignment[point] = to;
        distances[point] = 0f;
    }

    // Returns the squared shift of all centroids together.
    private double MoveCentroids()
    {
        var shift = 0.0;
        for (var k = 0; k < clusters; k++)
        {
            for (var i = k * dimensions; weights[k] > 0 && i < (k + 1) * dimensions; i++)
            {
                var moved = (float)(sums[i] / weights[k]);
                shift += ((double)moved - centroids[i]) * ((double)moved - centroids[i]);
                centroids[i] = moved;
            }
        }

        return shift;
    }

    private KMeansResult Result(int iterations)
    {
        var kept = Enumerable.Range(0, clusters).Where(k => weights[k] > 0).ToArray();
        var newIndex = new int[clusters];
        var dense = new float[kept.Length * dimensions];
        for (var k = 0; k < kept.Length; k++)
        {
            newIndex[kept[k]] = k;
            centroids.AsSpan(kept[k] * dimensions, dimensions).CopyTo(dense.AsSpan(k * dimensions));
        }

        return new KMeansResult(
            kept.Length, dimensions, dense, Array.ConvertAll(assignment, k => newIndex[k]), Array.ConvertAll(kept, k => weights[k]),
            inertias.Sum(), iterations);
    }
}
