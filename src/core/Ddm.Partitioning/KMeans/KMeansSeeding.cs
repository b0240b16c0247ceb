using System.Numerics;
using System.Runtime.InteropServices;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Partitioning;

/// <summary>
/// Greedy k-means++ (Arthur and Vassilvitskii 2007; of 2 + ln k trials for a centre, the one that lowers the potential most). Candidates are drawn
/// a block at a time from the distances as they stood when the block began, and thinned to the present distances by rejection: the same
/// distribution as drawing one by one, but their distances come from one matrix product.
/// </summary>
internal sealed class KMeansSeeding
{
    private const int MaxCandidates = 256;
    private const float Same = 4e-6f; // squared distances below this share of |x|^2 + |c|^2 are rounding: the same point

    private readonly Philox philox;
    private readonly Tensor points; // [S, D]
    private readonly float[] norms; // [S]
    private readonly float[]? weights; // [S]
    private readonly float[] distances; // [S]: squared, to the nearest centre so far
    private readonly List<int> chosen = [];
    private float[] measured = []; // [candidates, S]: one array for all blocks, which would else wait for a collection by the hundred megabytes
    private ulong draws;

    private KMeansSeeding(Tensor points, float[] norms, float[]? weights, Philox philox)
    {
        this.points = points;
        this.norms = norms;
        this.weights = weights;
        this.philox = philox;
        distances = new float[norms.Length];
    }

    /// <summary>Chooses at most <paramref name="k"/> of the points as first centroids, fewer if fewer are distinct.</summary>
    /// <returns>[chosen, D], row by row.</returns>
    public static float[] Choose(PointSet set, int k, Philox philox)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        return new KMeansSeeding(set.Centred(), set.SquaredNorms, set.Weights, philox).Run(k);
    }

    private float[] Run(int k)
    {
        Array.Fill(distances, 1f);
        var first = Pick(CumulativeMass(), Uniform());
        Array.Fill(distances, float.MaxValue);
        Measure([first]);
        Take(first, measured.AsSpan(0, norms.Length));
        var trials = 2 + (int)Math.Log(k);
        for (var block = 4 * trials; chosen.Count < k; block = Math.Min(2 * block, MaxCandidates))
        {
            var mass = CumulativeMass();
            if (mass[^1] <= 0)
            {
                break; // every point coincides with a centre
            }

            TakeFromBlock(mass, Math.Min(block, trials * (k - chosen.Count)), trials, k);
        }

        return Coordinates();
    }

    private void TakeFromBlock(double[] mass, int size, int trials, int k)
    {
        var candidates = new int[size];
        var thresholds = new double[size];
        for (var i = 0; i < size; i++)
        {
            candidates[i] = Pick(mass, Uniform());
            thresholds[i] = Uniform() * distances[candidates[i]];
        }

        Measure(candidates);
        var next = 0;
        while (chosen.Count < k && next < size)
        {
            var best = -1;
            var bestPotential = double.PositiveInfinity;
            for (var tried = 0; tried < trials && next < size; next++)
            {
                if (distances[candidates[next]] <= 0 || thresholds[next] > distances[candidates[next]])
                {
                    continue;
                }

                tried++;
                var potential = Potential(measured.AsSpan(next * norms.Length, norms.Length));
                if (potential < bestPotential)
                {
                    (best, bestPotential) = (next, potential);
                }
            }

            if (best >= 0)
            {
                Take(candidates[best], measured.AsSpan(best * norms.Length, norms.Length));
            }
        }
    }

    private void Take(int row, ReadOnlySpan<float> toRow)
    {
        chosen.Add(row);
        for (var i = 0; i < distances.Length; i++)
        {
            distances[i] = Math.Min(distances[i], toRow[i]);
        }
    }

    // Squared distances of the candidates to all points.
    private void Measure(int[] candidates)
    {
        using var scope = NewDisposeScope();
        var centres = points.index_select(0, tensor(Array.ConvertAll(candidates, row => (long)row)));
        var products = mm(centres, points.t());
        var numbers = MemoryMarshal.Cast<byte, float>(products.bytes);
        if (measured.Length < numbers.Length)
        {
            measured = new float[numbers.Length];
        }

        numbers.CopyTo(measured);
        for (var c = 0; c < candidates.Length; c++)
        {
            var row = measured.AsSpan(c * norms.Length, norms.Length);
            var norm = norms[candidates[c]];
            for (var i = 0; i < row.Length; i++)
            {
                var scale = norms[i] + norm;
                var squared = scale - 2f * row[i];
                row[i] = squared > Same * scale ? squared : 0f;
            }
        }
    }

    private double Potential(ReadOnlySpan<float> candidate)
    {
        var sum = Vector<double>.Zero;
        var i = 0;
        for (; i <= candidate.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var least = Vector.Min(new Vector<float>(distances, i), new Vector<float>(candidate[i..]));
            if (weights is not null)
            {
                least *= new Vector<float>(weights, i);
            }

            Vector.Widen(least, out var low, out var high);
            sum += low + high;
        }

        var total = Vector.Sum(sum);
        for (; i < candidate.Length; i++)
        {
            total += Math.Min(distances[i], candidate[i]) * (weights?[i] ?? 1f);
        }

        return total;
    }

    private double[] CumulativeMass()
    {
        var mass = new double[distances.Length];
        var sum = 0.0;
        for (var i = 0; i < mass.Length; i++)
        {
            mass[i] = sum += (double)distances[i] * (weights?[i] ?? 1f);
        }

        return mass;
    }

    // The first point whose cumulative mass passes the number: points without mass are never drawn.
    private static int Pick(double[] mass, double uniform)
    {
        var (low, high, target) = (0, mass.Length - 1, uniform * mass[^1]);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = mass[middle] > target ? (low, middle) : (middle + 1, high);
        }

        return low;
    }

    private double Uniform() => philox.Uniform(draws++, RowSample.SeedingRow);

    private float[] Coordinates()
    {
        using var scope = NewDisposeScope();
        var rows = points.index_select(0, tensor(Array.ConvertAll(chosen.ToArray(), row => (long)row)));
        return MemoryMarshal.Cast<byte, float>(rows.contiguous().bytes).ToArray();
    }
}
