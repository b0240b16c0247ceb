using Ddm.Runs;
using static TorchSharp.torch;

namespace Ddm.Partitioning.Tests;

public sealed class PartitionerTests
{
    private static readonly PartitionSpec Four = new() { Experts = 4 };

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void NoClusterIsAboveTheCap(long seed)
    {
        // one concept takes 60% of the images: unbounded k-means would leave it whole
        using var features = Points.Blobs(16, apart: 6, seed, 1800, 300, 300, 200, 200, 100, 100);
        var partition = Partitioner.Fit(features, Four, seed);
        var sizes = Sizes(Partitioner.Assign(partition, features), 4);
        Assert.Equal(partition.Sizes, sizes);
        Assert.All(sizes, size => Assert.InRange(size, 1, 1.25 * 750));
        Assert.Empty(partition.Warnings);
        Assert.True(partition.Fine >= 3000 / 39);
    }

    [Fact]
    public void ABlobHeavierThanTheCapIsSplitFirst()
    {
        using var features = Points.Blobs(4, apart: 100, seed: 1, 900, 40, 40, 20);
        var partition = Partitioner.Fit(features, Four with { Fine = 4 }, 1);
        Assert.True(partition.Fine > 4);
        Assert.All(partition.Sizes, size => Assert.InRange(size, 1, 1.25 * 250));
    }

    [Fact]
    public void FineClustersStayWhole()
    {
        using var features = Points.Blobs(8, apart: 30, seed: 2, [.. Enumerable.Repeat(100, 8)]);
        var assignment = Partitioner.Assign(Partitioner.Fit(features, Four with { Fine = 8 }, 2), features);
        Assert.All(Enumerable.Range(0, 8), blob => Assert.Single(assignment.AsSpan(blob * 100, 100).ToArray().Distinct()));
        Assert.All(Sizes(assignment, 4), size => Assert.Equal(200, size));
    }

    [Fact]
    public void TheSeedDecidesEverythingAndSavingKeepsIt()
    {
        using var features = Points.Blobs(8, apart: 2, seed: 3, 500, 300, 200);
        var (first, second) = (Saved(Partitioner.Fit(features, Four, 5)), Saved(Partitioner.Fit(features, Four, 5)));
        Assert.Equal(first, second);
        var loaded = Partition.Load(new MemoryStream(first));
        Assert.Equal(first, Saved(loaded));
        Assert.NotEqual(first, Saved(Partitioner.Fit(features, Four, 6)));
    }

    [Fact]
    public void AssignmentDoesNotDependOnTheShard()
    {
        using var features = Points.Blobs(8, apart: 1, seed: 4, 700);
        var partition = Partitioner.Fit(features, Four, 1);
        var whole = Partitioner.Assign(partition, features);
        using var front = features.narrow(0, 0, 333);
        using var back = features.narrow(0, 333, 367);
        int[] parts = [.. Partitioner.Assign(partition, front), .. Partitioner.Assign(partition, back)];
        Assert.Equal(whole, parts);
    }

    [Fact]
    public void ASampleIsEnough()
    {
        using var features = Points.Blobs(8, apart: 8, seed: 5, 2000, 2000, 2000, 2000);
        var partition = Partitioner.Fit(features, Four with { SampleRows = 800 }, 1);
        Assert.Equal(800, partition.FineSizes.Sum());
        Assert.All(Sizes(Partitioner.Assign(partition, features), 4), size => Assert.InRange(size, 1500, 2600));
    }

    [Fact]
    public void ManyCopiesOfOneImageAreReportedNotFatal()
    {
        using var rest = Points.Blobs(4, apart: 5, seed: 6, 100, 100, 100);
        using var copies = ones(700, 4);
        using var features = cat([copies, rest]);
        var messages = new List<string>();
        var partition = Partitioner.Fit(features, Four, 1, messages.Add);
        var sizes = Sizes(Partitioner.Assign(partition, features), 4);
        Assert.Equal(1000, sizes.Sum());
        Assert.All(sizes, size => Assert.True(size > 0));
        Assert.Contains("700", Assert.Single(partition.Warnings), StringComparison.Ordinal);
        Assert.Contains(partition.Warnings[0], messages);
    }

    [Fact]
    public void HopelessInputIsRefusedWithCounts()
    {
        using var few = Points.Blobs(3, 1, 1, 3);
        Assert.Contains("3 images cannot be cut into partition.experts: 4", Refusal(few, Four), StringComparison.Ordinal);
        using var same = ones(200, 3);
        Assert.Contains("200 images have only 1 different features", Refusal(same, Four), StringComparison.Ordinal);
        using var bad = Points.Blobs(3, 1, 1, 300);
        bad[7, 2] = tensor(float.NaN);
        Assert.Contains("1 of 300 images", Refusal(bad, Four), StringComparison.Ordinal);
        using var good = Points.Blobs(3, 1, 1, 300);
        Assert.Contains("partition.fine: 301", Refusal(good, Four with { Fine = 301 }), StringComparison.Ordinal);
        Assert.Contains("partition.fine: 3 ", Refusal(good, Four with { Fine = 3 }), StringComparison.Ordinal);
    }

    [Fact]
    public void ASingleExpertTakesAll()
    {
        using var features = Points.Blobs(3, 1, 1, 100);
        var partition = Partitioner.Fit(features, new PartitionSpec { Experts = 1 }, 1);
        Assert.All(Partitioner.Assign(partition, features), k => Assert.Equal(0, k));
    }

    [Fact]
    public void NoTensorOutlivesAFit()
    {
        using var features = Points.Blobs(4, apart: 100, seed: 1, 450, 20, 20, 10);
        var before = Tensor.TotalCount;
        var partition = Partitioner.Fit(features, Four with { Fine = 4 }, 1);
        var assignment = Partitioner.Assign(partition, features);
        SilhouetteScore.Measure(features, assignment, 4, 1);
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void TheReportCounts()
    {
        using var features = Points.Blobs(8, apart: 30, seed: 2, 100, 100, 100, 100);
        var partition = Partitioner.Fit(features, Four with { Fine = 4 }, 2);
        var assignment = Partitioner.Assign(partition, features);
        var labels = Enumerable.Range(0, 400).Select(i => (long)(i / 100)).ToArray();
        var silhouette = SilhouetteScore.Measure(features, assignment, 4, 1);
        var report = PartitionReport.Create(partition, assignment, labels, 4, silhouette);
        Assert.Equal([100, 100, 100, 100], report.Sizes);
        Assert.Equal(1.0, report.Imbalance, 12);
        Assert.InRange(report.Silhouette, 0.9, 1.0);
        Assert.All(report.ClassesByCluster!, row => Assert.Equal([0L, 0, 0, 100], row.Order()));
        Assert.Empty(report.Warnings);
    }

    [Fact]
    public void TheSilhouetteIsTheDefinitions()
    {
        // on a line 0, 1 | 4, 6: s = 1 - 1/5, 1 - 1/4, 1 - 2/3.5, 1 - 2/5.5
        using var features = tensor(new float[] { 0, 1, 4, 6 }, [4, 1]);
        var expected = (1 - 1 / 5.0 + 1 - 1 / 4.0 + 1 - 2 / 3.5 + 1 - 2 / 5.5) / 4;
        Assert.Equal(expected, SilhouetteScore.Measure(features, [0, 0, 1, 1], 2, 1), 1e-6);
    }

    [Fact]
    public void FewerDifferentImagesThanFineCentroidsAskedForAreRefusedWithBothCounts()
    {
        using var features = tensor(Enumerable.Range(0, 50).SelectMany(i => new[] { i % 5 * 2.5f, 1f }).ToArray(), [50, 2]);
        Assert.Equal(
            "partition.fine: 10 centroids were asked for, but 50 images have only 5 different features. Ask for at most 5, remove copies, or leave it out.",
            Refusal(features, Four with { Fine = 10 }));
    }

    [Fact]
    public void FewerDifferentImagesThanTheUsualFineCentroidsGiveFewerOfThemAndNoEmptyExpert()
    {
        using var features = tensor(Enumerable.Range(0, 400).SelectMany(i => new[] { i % 5 * 2.5f, i % 5 }).ToArray(), [400, 2]);
        var partition = Partitioner.Fit(features, Four, 1);
        Assert.Equal(5, partition.Fine);
        Assert.All(partition.FineCentroids, value => Assert.True(float.IsFinite(value)));
        Assert.All(Sizes(Partitioner.Assign(partition, features), 4), size => Assert.True(size > 0));
        Assert.Contains(partition.Warnings, warning => warning.StartsWith("5 fine clusters instead of 10: 400 images have only 5 different features.", StringComparison.Ordinal));
    }

    private static string Refusal(Tensor features, PartitionSpec spec) => Assert.Throws<UserErrorException>(() => Partitioner.Fit(features, spec, 1)).Message;

    private static long[] Sizes(int[] assignment, int clusters) => [.. Enumerable.Range(0, clusters).Select(k => assignment.LongCount(a => a == k))];

    private static byte[] Saved(Partition partition)
    {
        using var stream = new MemoryStream();
        partition.Save(stream);
        return stream.ToArray();
    }
}
