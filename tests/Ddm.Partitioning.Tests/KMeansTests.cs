using Ddm.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Partitioning.Tests;

public sealed class KMeansTests
{
    [Fact]
    public void FindsBlobsThatLieApart()
    {
        int[] sizes = [50, 200, 10, 120, 77];
        using var points = Points.Blobs(8, apart: 20, seed: 1, sizes);
        var result = KMeans.Fit(points, null, 5, seed: 3);
        Assert.Equal(sizes.Order(), result.Weights.Select(weight => (int)weight).Order());
        var truth = sizes.SelectMany((size, blob) => Enumerable.Repeat(blob, size)).ToArray();
        Assert.Equal(1.0, Points.AdjustedRand(truth, result.Assignment), 12);
        Assert.Equal(Points.Inertia(points, result.Centroids), result.Inertia, 1e-4 * result.Inertia);
    }

    [Fact]
    public void EveryCentroidIsTheMeanOfItsPointsAndEveryPointIsWithItsNearest()
    {
        using var points = Points.Blobs(5, apart: 1, seed: 2, 400, 300);
        var result = KMeans.Fit(points, null, 12, seed: 3, new KMeansOptions { Tolerance = 0, Gain = 0, MaxIterations = 500 });
        var rows = points.data<float>().ToArray();
        for (var k = 0; k < 12; k++)
        {
            var members = Enumerable.Range(0, 700).Where(i => result.Assignment[i] == k).ToArray();
            Assert.Equal(result.Weights[k], members.Length);
            for (var d = 0; d < 5; d++)
            {
                Assert.Equal(members.Average(i => (double)rows[i * 5 + d]), result.Centroids[k * 5 + d], 1e-5);
            }
        }

        Assert.All(Enumerable.Range(0, 700), i => Assert.Equal(
            Enumerable.Range(0, 12).MinBy(k => Enumerable.Range(0, 5).Sum(d => Math.Pow(rows[i * 5 + d] - (double)result.Centroids[k * 5 + d], 2))),
            result.Assignment[i]));
    }

    [Fact]
    public void AWholeWeightIsThatManyCopies()
    {
        using var points = Points.Blobs(3, apart: 2, seed: 4, 30, 30);
        var counts = Enumerable.Range(0, 60).Select(i => 1 + i * 7 % 5).ToArray();
        using var copies = points.repeat_interleave(tensor(Array.ConvertAll(counts, c => (long)c)), 0);
        using var weights = tensor(Array.ConvertAll(counts, c => (float)c));
        var options = new KMeansOptions { Restarts = 40, Tolerance = 0, Gain = 0 };
        var weighted = KMeans.Fit(points, weights, 4, 1, options);
        var copied = KMeans.Fit(copies, null, 4, 1, options);
        Assert.Equal(copied.Inertia, weighted.Inertia, 1e-4 * copied.Inertia);
        Assert.Equal(counts.Sum(), weighted.Weights.Sum());
    }

    [Fact]
    public void APointWithoutWeightPullsNothing()
    {
        using var points = tensor(new float[] { 0, 0, 1, 0, 0, 1, 1, 1, 1000, 1000 }, [5, 2]);
        using var weights = tensor(new float[] { 1, 1, 1, 1, 0 });
        var result = KMeans.Fit(points, weights, 1, 1);
        Assert.Equal([0.5f, 0.5f], result.Centroids);
    }

    [Fact]
    public void TheSeedDecidesEverything()
    {
        using var points = Points.Blobs(16, apart: 1, seed: 5, 300, 300);
        var (a, b, c) = (KMeans.Fit(points, null, 20, 7), KMeans.Fit(points, null, 20, 7), KMeans.Fit(points, null, 20, 8));
        Assert.Equal(a.Centroids, b.Centroids);
        Assert.Equal(a.Assignment, b.Assignment);
        Assert.NotEqual(a.Centroids, c.Centroids);
    }

    [Fact]
    public void RestartsNeverHurt()
    {
        using var points = Points.Blobs(4, apart: 3, seed: 6, [.. Enumerable.Repeat(30, 20)]);
        var one = KMeans.Fit(points, null, 20, 9).Inertia;
        var ten = KMeans.Fit(points, null, 20, 9, new KMeansOptions { Restarts = 10 }).Inertia;
        Assert.True(ten <= one, $"{ten} > {one}");
    }

    [Fact]
    public void FarFromTheOriginNothingIsLost()
    {
        using var near = Points.Blobs(4, apart: 10, seed: 7, 100, 100, 100);
        using Scalar shift = 10_000f;
        using var far = near + shift;
        var (a, b) = (KMeans.Fit(near, null, 3, 1), KMeans.Fit(far, null, 3, 1));
        Assert.Equal(1.0, Points.AdjustedRand(a.Assignment, b.Assignment), 12);
        Assert.Equal(a.Inertia, b.Inertia, 0.01 * a.Inertia);
    }

    [Fact]
    public void AnEmptyClusterIsGivenTheFarthestPoint()
    {
        // Two seeds on the same spot: the second is empty from the first assignment on.
        using var points = tensor(new float[] { 0, 0.1f, 0.2f, 10, 10.1f, 30 }, [6, 1]);
        using var set = PointSet.Create(points, null);
        var mean = set.Mean[0];
        var result = Lloyd.Run(set, [0 - mean, 0 - mean, 10 - mean], new KMeansOptions());
        Assert.Equal([1.0, 2.0, 3.0], result.Weights.Order());
    }

    [Fact]
    public void FewerDifferentPointsThanClustersGiveFewerClusters()
    {
        using var points = tensor(Enumerable.Range(0, 50).SelectMany(i => new[] { i % 3 * 2.5f, 1f }).ToArray(), [50, 2]);
        var result = KMeans.Fit(points, null, 10, 1);
        Assert.Equal(3, result.Clusters);
        Assert.Equal(0, result.Inertia, 1e-6);
        Assert.Equal(2, result.Assignment.Max());
    }

    [Fact]
    public void BadInputIsRefusedWithCounts()
    {
        using var two = ones(2, 3);
        Assert.Contains("2 images cannot be cut into 3", Assert.Throws<UserErrorException>(() => KMeans.Fit(two, null, 3, 1)).Message, StringComparison.Ordinal);
        using var bad = Points.Blobs(3, 1, 1, 20);
        bad[5, 1] = tensor(float.NaN);
        bad[9, 0] = tensor(float.PositiveInfinity);
        var error = Assert.Throws<UserErrorException>(() => KMeans.Fit(bad, null, 3, 1));
        Assert.Contains("2 of 20 images", error.Message, StringComparison.Ordinal);
        Assert.Contains("row 5", error.Message, StringComparison.Ordinal);
        using var none = zeros(0, 3);
        Assert.Throws<UserErrorException>(() => KMeans.Fit(none, null, 1, 1));
    }

    [Fact]
    public void NoTensorOutlivesAFit()
    {
        using var points = Points.Blobs(8, apart: 1, seed: 8, 500);
        using var weights = ones(500);
        var before = Tensor.TotalCount;
        KMeans.Fit(points, weights, 30, 1, new KMeansOptions { Restarts = 2 });
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void SeedingOfASampleCoversAllBlobs()
    {
        // more points than seeding looks at
        using var points = Points.Blobs(2, apart: 50, seed: 9, [.. Enumerable.Repeat(2500, 8)]);
        var result = KMeans.Fit(points, null, 8, 1);
        Assert.All(result.Weights, weight => Assert.Equal(2500, weight));
    }
}
