using static TorchSharp.torch;

namespace Ddm.Partitioning;

/// <summary>
/// Lloyd's iteration from given centroids: assign, average, until nothing moves or it no longer pays. Averages are float64 sums in the order of the points,
/// taken anew for each cluster whose points changed.
/// </summary>
internal sealed class Lloyd
{
    private readonly PointSet set;
    private readonly Assigner assigner;
    private readonly int clusters;
    private readonly int dimensions;
    private readonly float[] centroids; // [K, D]
    private readonly double[] weights; // [K]
    private readonly double[] inertias; // [K]
    private readonly Members members;

    private Lloyd(PointSet set, float[] seeds)
    {
        this.set = set;
        dimensions = set.Dimensions;
        clusters = seeds.Length / dimensions;
        centroids = seeds;
        assigner = new Assigner(set, seeds);
        weights = new double[clusters];
        inertias = new double[clusters];
        members = new Members(set.Count, clusters);
    }

    /// <summary>Runs to convergence.</summary>
    /// <param name="set">The points.</param>
    /// <param name="seeds">[K, D] centred like the points; taken over.</param>
    /// <param name="options">When to stop.</param>
    /// <returns>Centroids still centred; clusters that ended empty left out.</returns>
    public static KMeansResult Run(PointSet set, float[] seeds, KMeansOptions options)
    {
        using var noGradient = no_grad();
        var lloyd = new Lloyd(set, seeds);
        var (settled, inertia) = (false, double.PositiveInfinity);
        for (var iterations = 0; ; iterations++)
        {
            lloyd.assigner.Assign();
            lloyd.Tally();
            var repaired = lloyd.RepairEmpty();
            var (before, now) = (inertia, lloyd.inertias.Sum());
            inertia = now;
            settled |= before - now < options.Gain * now;
            if ((settled && !repaired) || iterations >= options.MaxIterations)
            {
                return lloyd.Result(iterations);
            }

            settled = lloyd.MoveCentroids() <= options.Tolerance * set.MeanVariance;
        }
    }

    private void Tally()
    {
        Array.Clear(weights);
        Array.Clear(inertias);
        for (var i = 0; i < assigner.Assignment.Length; i++)
        {
            double weight = set.Weights?[i] ?? 1f;
            weights[assigner.Assignment[i]] += weight;
            inertias[assigner.Assignment[i]] += weight * assigner.Distances[i];
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

            double weight = set.Weights?[farthest] ?? 1f;
            weights[largest] -= weight;
            weights[empty] += weight;
            inertias[largest] -= weight * assigner.Distances[farthest];
            assigner.Give(farthest, empty);
            repaired = true;
        }

        return repaired;
    }

    private int Farthest(int cluster)
    {
        var farthest = -1;
        for (var i = 0; i < assigner.Assignment.Length; i++)
        {
            if (assigner.Assignment[i] == cluster && assigner.Distances[i] > 0 && set.Weights?[i] is null or > 0
                && (farthest < 0 || assigner.Distances[i] > assigner.Distances[farthest]))
            {
                farthest = i;
            }
        }

        return farthest;
    }

    // Returns the squared shift of all centroids together.
    private double MoveCentroids()
    {
        var changed = Enumerable.Range(0, clusters).Where(k => assigner.Changed[k] && weights[k] > 0).ToArray();
        members.Sort(assigner.Assignment);
        var shifts = new double[clusters];
        Parallel.For(0, changed.Length, new ParallelOptions { MaxDegreeOfParallelism = get_num_threads() }, i =>
        {
            var k = changed[i];
            shifts[k] = MoveToMean(k, members.Rows(k));
        });
        foreach (var k in changed)
        {
            assigner.Moved(k, Math.Sqrt(shifts[k]));
        }

        return shifts.Sum();
    }

    private double MoveToMean(int cluster, ReadOnlySpan<int> members)
    {
        var sums = new double[dimensions];
        foreach (var row in members)
        {
            Vectors.AddTo(sums, set.Rows(row, 1), set.Weights?[row] ?? 1f);
        }

        var shift = 0.0;
        for (var d = 0; d < dimensions; d++)
        {
            ref var centroid = ref centroids[(cluster * dimensions) + d];
            var moved = (float)((sums[d] / weights[cluster]) - set.Mean[d]);
            shift += ((double)moved - centroid) * ((double)moved - centroid);
            centroid = moved;
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
            kept.Length, dimensions, dense, Array.ConvertAll(assigner.Assignment, k => newIndex[k]), Array.ConvertAll(kept, k => weights[k]),
            inertias.Sum(), iterations);
    }
}
