using System.Globalization;
using Ddm.Tensors;
using TorchSharp;

namespace Ddm.Bench;

/// <summary>The rate of float32 matrix products: what other benchmarks' FLOP rates are shares of.</summary>
internal sealed class MatrixProductBenchmark : Benchmark
{
    private static readonly int[] Sides = [512, 1024, 2048];

    public override string Name => "matmul";

    public override string Title => "Matrix products in float32";

    public override Task<Section> MeasureAsync(CancellationToken cancellationToken)
    {
        var rows = new List<IReadOnlyList<string>>();
        var versions = "";
        foreach (var side in Sides)
        {
            TorchRuntime.SetThreads(Environment.ProcessorCount);
            using var scope = torch.NewDisposeScope();
            using var gradientsOff = torch.no_grad();
            var (a, b) = (torch.randn(side, side), torch.randn(side, side));
            using var peer = PythonPeer.Start("matmul.py", Text(side), Text(Environment.ProcessorCount));
            versions = peer.Versions;
            var times = SideBySide.Run(20, 3, cancellationToken, new Side("here", Stopwatched.Seconds(() => torch.mm(a, b).Dispose())), peer.ToSide("peer"));
            var flops = 2.0 * side * side * side;
            rows.Add([Text(side), Cells.FlopRate(flops / times[0].Median), Cells.FlopRate(flops / times[1].Median), Cells.Ratio(times[1].Over(times[0]))]);
        }

        return Task.FromResult(new Section(
            $"C = A B of square matrices on {Environment.ProcessorCount} threads, 2 n^3 operations each. Peer: Debian's python3-torch, {versions}.",
            ["n", "here", "peer", "peer's time / ours"], rows, []));
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
