using System.Globalization;
using Ddm.Encoders;
using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Bench;

/// <summary>DINOv2 S/14 at 224 x 224 beside the machine's rate of matrix products, and the whole way from pixels to features beside the forward alone.</summary>
internal sealed class DinoV2Benchmark : Benchmark
{
    private const int Rows = 16, Side = 256;

    private static readonly DinoV2Config Small = new(14, 384, 12, 6, 0, 37, 1536, SwiGlu: false, 1e-6, new PositionRule(Antialias: false, 0.1));

    public override string Name => "dinov2";

    public override string Title => "Features by DINOv2 S/14";

    public override Task<Section> MeasureAsync(CancellationToken cancellationToken)
    {
        TorchRuntime.SetThreads(Environment.ProcessorCount);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using var file = Drawn();
        using var network = DinoV2.Load(file);
        using var encoder = new DinoV2Encoder(file, FeaturePooling.Cls);
        var (x, pixels) = (randn(Rows, 3, 224, 224), randint(0, 256, [Rows, 3, Side, Side], ScalarType.Byte));
        var (a, b) = (randn(2048, 2048), randn(2048, 2048));
        var times = SideBySide.Run(
            8, 2, cancellationToken,
            new Side("forward", Stopwatched.Seconds(() => network.Forward(x).Dispose())),
            new Side("pixels to features", Stopwatched.Seconds(() => encoder.Encode(pixels).Dispose())),
            new Side("matrix product", Stopwatched.Seconds(() => a.mm(b).Dispose())));
        var (flops, matrixRate) = (Rows * network.Operations(224), MatrixRates.SquareFlops / times[2].Median);
        var share = flops / times[0].Median / matrixRate;
        var rows = times.Take(2).Select(side => (IReadOnlyList<string>)
            [side.Name, Cells.Times(side), (Rows / side.Median).ToString("F1", CultureInfo.InvariantCulture), Cells.FlopRate(flops / side.Median), Cells.Percent(flops / side.Median / matrixRate)]).ToList();
        return Task.FromResult(new Section(
            string.Create(CultureInfo.InvariantCulture, $"{Rows} pictures, 257 tokens of {Small.Hidden}, {network.Operations(224) / 1e9:F2} GFLOP each (linear layers, attention and patches; nothing for norms and activations). ")
            + $"Pixels to features adds Pillow's resampling from {Side} x {Side}. Matrix rate: a square product of 2048 in the same rounds, {Cells.FlopRate(matrixRate)}. Weights drawn at random.",
            ["", "median (range)", "images/s", "rate", "of the matrix rate"], rows,
            [new Target("forward at least 65 % of the matrix rate", Cells.Percent(share), share >= 0.65)]));
    }

    private static WeightFile Drawn()
    {
        using var small = Arithmetic.Filled([1], 0.02, ScalarType.Float32, CPU);
        return WeightFile.From("drawn", new TensorBundle(
            Small.Layout().ToDictionary(entry => entry.Name, entry => randn(entry.Shape).mul_(small).DetachFromDisposeScope(), StringComparer.Ordinal), new Dictionary<string, string>()));
    }
}
