using static TorchSharp.torch;

namespace Ddm.Evaluation.Tests;

public sealed class DistanceTests
{
    [Fact]
    public void ASetIsAtNoDistanceFromItself()
    {
        using var rows = Normal(200, 8, seed: 1);
        Assert.InRange(FrechetDistance.Between(rows, rows), 0, 1e-9);
        Assert.InRange(FrechetDistance.OfFewRows(rows, rows), 0, 1e-9);
    }

    [Fact]
    public void AShiftAddsItsSquaredLength()
    {
        using var rows = Normal(300, 4, seed: 2);
        using var shifted = rows + 3;
        Assert.Equal(4 * 9, FrechetDistance.Between(rows, shifted), 1e-8);
    }

    [Fact]
    public void ConstantFeaturesAreNoTrouble()
    {
        using var one = ones([50, 6]);
        using var two = full([40, 6], 2.0);
        Assert.Equal(6, FrechetDistance.Between(one, two), 1e-9);
    }

    [Fact]
    public void StatisticsOfPartsMergeToThoseOfTheWhole()
    {
        using var rows = Normal(101, 5, seed: 3);
        using var first = rows.narrow(0, 0, 1);
        using var rest = rows.narrow(0, 1, 100);
        using var whole = FeatureStatistics.Of(rows);
        using var merged = new FeatureStatistics(5);
        using var part = FeatureStatistics.Of(rest);
        merged.Add(first);
        merged.Merge(part);
        Assert.Equal(101, merged.Count);
        using var expected = whole.Covariance();
        using var actual = merged.Covariance();
        Assert.True(allclose(expected, actual, rtol: 1e-12, atol: 1e-12));
        Assert.True(allclose(whole.Mean, merged.Mean, rtol: 1e-12, atol: 1e-12));
    }

    [Fact]
    public void FeaturesThatAreNotFiniteAreRefused()
    {
        using var rows = Normal(10, 2, seed: 4);
        rows[3, 1] = double.NaN;
        Assert.Throws<ArgumentException>(() => FrechetDistance.Between(rows, rows));
    }

    [Fact]
    public void KernelDistanceOfOneDistributionScattersAroundZero()
    {
        using var first = Normal(400, 8, seed: 5);
        using var second = Normal(400, 8, seed: 6);
        using var other = first * 2;
        Assert.InRange(KernelDistance.Between(first, second), -0.05, 0.05);
        Assert.True(KernelDistance.Between(first, other) > 0.5);
        var once = KernelDistance.OverSubsets(first, second, subsets: 5, rows: 100, seed: 7);
        Assert.Equal(once, KernelDistance.OverSubsets(first, second, subsets: 5, rows: 100, seed: 7));
    }

    [Fact]
    public void MeasuringKeepsNoTensor()
    {
        using var rows = Normal(60, 4, seed: 8);
        FrechetDistance.Between(rows, rows);
        var before = Tensor.TotalCount;
        FrechetDistance.Between(rows, rows);
        FrechetDistance.OfFewRows(rows, rows);
        KernelDistance.OverSubsets(rows, rows, subsets: 2, rows: 20);
        NeighbourMetrics.Measure(rows, rows, 3);
        Assert.Equal(before, Tensor.TotalCount);
    }

    private static Tensor Normal(long rows, long columns, ulong seed)
    {
        using var generator = new Generator(seed);
        return randn([rows, columns], generator: generator, dtype: float64);
    }
}
