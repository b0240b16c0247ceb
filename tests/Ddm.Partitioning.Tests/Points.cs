using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Partitioning.Tests;

/// <summary>Made-up features.</summary>
internal static class Points
{
    /// <summary>Gaussian blobs of unit spread about centres that lie <paramref name="apart"/> times farther out; row i belongs to the first blob whose sizes sum above i.</summary>
    public static Tensor Blobs(int dimensions, double apart, long seed, params int[] sizes)
    {
        var centres = Philox.Create(seed, 0, 1001);
        var noise = Philox.Create(seed, 0, 1002);
        var values = new float[sizes.Sum() * dimensions];
        var row = 0;
        var centre = new float[dimensions];
        for (var blob = 0; blob < sizes.Length; blob++)
        {
            centres.FillNormal(centre, 0, (uint)blob);
            for (var i = 0; i < sizes[blob]; i++, row++)
            {
                var point = values.AsSpan(row * dimensions, dimensions);
                noise.FillNormal(point, 0, (uint)row);
                for (var d = 0; d < dimensions; d++)
                {
                    point[d] += (float)apart * centre[d];
                }
            }
        }

        return tensor(values, [row, dimensions]);
    }

    /// <summary>Sum of weighted squared distances to the nearest centroid, float64, by definition.</summary>
    public static double Inertia(Tensor points, float[] centroids, double[]? weights = null)
    {
        using var scope = NewDisposeScope();
        var centres = tensor(centroids, [centroids.Length / points.size(1), points.size(1)]).to(float64);
        var total = 0.0;
        for (long start = 0; start < points.size(0); start += 64)
        {
            using var step = NewDisposeScope();
            var count = Math.Min(64, points.size(0) - start);
            var differences = points.narrow(0, start, count).to(float64).unsqueeze(1) - centres.unsqueeze(0);
            var nearest = differences.pow(2).sum(2).amin([1]);
            total += (weights is null ? nearest : nearest * tensor(weights).narrow(0, start, count)).sum().item<double>();
        }

        return total;
    }

    /// <summary>Adjusted Rand index of two labellings (Hubert and Arabie 1985): 1 the same, 0 as by chance.</summary>
    public static double AdjustedRand(int[] first, int[] second)
    {
        static double Pairs(double n) => n * (n - 1) / 2;
        var joint = first.Zip(second).GroupBy(pair => pair).Sum(group => Pairs(group.Count()));
        var rows = first.GroupBy(label => label).Sum(group => Pairs(group.Count()));
        var columns = second.GroupBy(label => label).Sum(group => Pairs(group.Count()));
        var expected = rows * columns / Pairs(first.Length);
        return (joint - expected) / ((rows + columns) / 2 - expected);
    }
}
