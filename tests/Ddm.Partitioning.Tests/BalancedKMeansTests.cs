using Ddm.Tensors;

namespace Ddm.Partitioning.Tests;

public sealed class BalancedKMeansTests
{
    [Fact]
    public void NoClusterPassesItsCapacityAndNoneIsEmpty()
    {
        for (var seed = 0; seed < 8; seed++)
        {
            var (points, weights) = Weighted(count: 60, dimensions: 4, seed);
            var capacity = 1.25 * weights.Sum() / 6;
            var result = BalancedKMeans.Fit(points, weights, 6, capacity, seed)!;
            Assert.NotNull(result);
            Assert.All(result.Loads, load => Assert.InRange(load, 1, capacity * (1 + 1e-6)));
            Assert.Equal(weights.Sum(), result.Loads.Sum(), 6);
            Assert.Equal(result.Loads, Enumerable.Range(0, 6).Select(k => weights.Where((_, i) => result.Assignment[i] == k).Sum()), (a, b) => Math.Abs(a - b) < 1e-6);
        }
    }

    [Fact]
    public void WithoutABoundItIsKMeans()
    {
        var (points, weights) = Weighted(count: 60, dimensions: 4, seed: 1);
        var bounded = BalancedKMeans.Fit(points, weights, 6, double.MaxValue, 1)!;
        using var rows = TorchSharp.torch.tensor(points, [60, 4]);
        using var masses = TorchSharp.torch.tensor(Array.ConvertAll(weights, w => (float)w));
        var free = KMeans.Fit(rows, masses, 6, 1, new KMeansOptions { Restarts = 100, Tolerance = 0, Gain = 0 });
        Assert.True(bounded.Inertia <= 1.001 * free.Inertia, $"{bounded.Inertia} against {free.Inertia}");
    }

    [Fact]
    public void ItFindsTheBestPlacementOfASmallCase()
    {
        // on a line: 5 at 0, 4 at 1, 3 at 2, 4 at 10; two clusters of at most 9: {5, 4} and {3, 4} is the best that fits
        var result = BalancedKMeans.Fit([0, 1, 2, 10], [5, 4, 3, 4], 2, 9, 1)!;
        Assert.Equal(result.Assignment[0], result.Assignment[1]);
        Assert.Equal(result.Assignment[2], result.Assignment[3]);
        Assert.NotEqual(result.Assignment[0], result.Assignment[2]);
    }

    [Fact]
    public void WhatCannotBePackedIsSaid()
        => Assert.Null(BalancedKMeans.Fit([0, 1, 2], [40, 40, 40], 2, 75, 1));

    private static (float[] Points, double[] Weights) Weighted(int count, int dimensions, long seed)
    {
        var points = new float[count * dimensions];
        Philox.Create(seed, 0, 1003).FillNormal(points, 0, 0);
        var uniform = Philox.Create(seed, 0, 1004);
        var weights = Enumerable.Range(0, count).Select(i => 1 + Math.Floor(-Math.Log(uniform.Uniform((ulong)i, 0)) * 50)).ToArray();
        return (points, weights);
    }
}
