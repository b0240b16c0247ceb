using Ddm.Diffusion;
using static TorchSharp.torch;

namespace Ddm.Evaluation.Tests;

public sealed class RouterDiagnosticsTests
{
    private const int K = 4;
    private static readonly RouterDiagnosticsOptions Options = new() { Bins = 5, Seed = 3, BatchRows = 7 };

    [Fact]
    public void ARouterThatPrefersNobodyIsAtLogK()
    {
        var report = Measure(new UniformRouter(K), Rows(), K, Options);
        Assert.Equal(5, report.Bins.Count);
        Assert.All(report.Bins, bin =>
        {
            Assert.Equal(Math.Log(K), bin.CrossEntropy, 1e-12);
            Assert.Equal(Math.Log(K), bin.Entropy, 1e-12);
            Assert.Equal(20, bin.Count);
        });
    }

    [Fact]
    public void ARouterThatKnowsIsAtZero()
    {
        var rows = Rows();
        var report = Measure((x, _, _) => Truth(x) * 200, rows, K, Options);

        // Only the first interval leaves enough of the image to read its brightness.
        Assert.Equal(1, report.Bins[0].Accuracy);
        Assert.InRange(report.Bins[0].CrossEntropy, 0, 1e-9);
        Assert.InRange(report.Bins[0].CalibrationError, 0, 1e-9);
    }

    [Fact]
    public void AConfidentRouterThatIsAlwaysWrongIsUncalibrated()
    {
        var report = Measure((x, _, _) => zeros(x.size(0), K).index_fill(1, tensor(new[] { 3L }), 9.0), Rows(onlyCluster: 0), K, Options);
        Assert.All(report.Bins, bin =>
        {
            Assert.Equal(0, bin.Accuracy);
            Assert.InRange(bin.CalibrationError, 0.99, 1);
            Assert.True(bin.CrossEntropy > bin.Entropy);
        });
        Assert.Equal(0, report.PriorEntropy);
        Assert.Equal(1, report.LargestShare);
    }

    [Fact]
    public void ReferencesAreThoseOfTheRows()
    {
        var report = Measure(new UniformRouter(K), Rows(), K, Options);
        Assert.Equal(Math.Log(K), report.PriorEntropy, 1e-12); // five rows of each cluster
        Assert.Equal(0, report.ClassPriorEntropy!.Value, 1e-12); // class and cluster coincide
        Assert.Equal(0.25, report.LargestShare);
    }

    [Fact]
    public void NoiseAndTimesDependOnSeedBinAndRowOnly()
    {
        var once = Inputs(Options);
        Assert.Equal(once, Inputs(Options with { BatchRows = 20 }));
        Assert.NotEqual(once, Inputs(Options with { Seed = 4 }));

        static List<float> Inputs(RouterDiagnosticsOptions options)
        {
            var seen = new List<float>();
            Measure(
                (x, t, _) =>
                {
                    seen.AddRange(t.data<float>().ToArray());
                    seen.AddRange(x.flatten(1).select(1, 5).data<float>().ToArray());
                    return zeros(x.size(0), K);
                },
                Rows(),
                K,
                options);
            seen.Sort(); // batches interleave times and pixels
            return seen;
        }
    }

    [Fact]
    public void EveryTimeLiesInItsInterval()
    {
        var times = new List<float>();
        Measure(
            (x, t, _) =>
            {
                times.AddRange(t.data<float>().ToArray());
                return zeros(x.size(0), K);
            },
            Rows(),
            K,
            Options);
        Assert.All(times.Chunk(20).Select((chunk, bin) => (chunk, bin)), pair => Assert.All(pair.chunk, t => Assert.InRange(t, pair.bin / 5f, (pair.bin + 1) / 5f)));
    }

    [Fact]
    public void RowsWithoutLabelsAreMeasuredWithoutCondition()
    {
        var rows = Rows();
        rows.Labels[3] = -1;
        var conditioned = false;
        var report = Measure(
            (x, _, labels) =>
            {
                conditioned |= labels is not null;
                return zeros(x.size(0), K);
            },
            rows,
            K,
            Options);
        Assert.False(conditioned);
        Assert.Null(report.ClassPriorEntropy);
    }

    [Fact]
    public void AClusterOutOfRangeIsRefused()
        => Assert.Throws<ArgumentException>(() => Measure(new UniformRouter(2), Rows(), 2, Options));

    [Fact]
    public void MeasuringKeepsNoTensor()
    {
        using var network = new RouterNetwork(new DiTConfig(4, 1, 2, 16, 1, 2, 4.0, K, 0.1), K);
        var router = new NetworkRouter(network);
        Measure(router, Rows(), K, Options);
        var before = Tensor.TotalCount;
        Measure(router, Rows(), K, Options);
        Assert.Equal(before, Tensor.TotalCount);
    }

    private static RouterReport Measure(IRouterModel router, EvaluationRows rows, int clusters, RouterDiagnosticsOptions options)
        => RouterDiagnostics.Measure(router, rows, clusters, options, TestContext.Current.CancellationToken);

    private static RouterReport Measure(Func<Tensor, Tensor, Tensor?, Tensor> logits, EvaluationRows rows, int clusters, RouterDiagnosticsOptions options)
        => RouterDiagnostics.Measure(logits, rows, clusters, options, TestContext.Current.CancellationToken);

    // Brightness names the cluster: 0, 85, 170 or 255, in -1..1.
    private static Tensor Truth(Tensor x)
    {
        using var levels = tensor(new[] { -1f, -1 / 3f, 1 / 3f, 1f });
        return (x.flatten(1).mean([1], keepdim: true) - levels).square().neg();
    }

    private static EvaluationRows Rows(int? onlyCluster = null)
    {
        var clusters = Enumerable.Range(0, 20).Select(row => onlyCluster ?? (row % K)).ToArray();
        var pixels = clusters.SelectMany(cluster => Enumerable.Repeat((byte)(85 * cluster), 16)).ToArray();
        return new EvaluationRows(pixels, 1, 4, [.. clusters.Select(cluster => (long)cluster)], clusters);
    }
}
