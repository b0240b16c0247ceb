using System.Globalization;
using Ddm.Diffusion;
using Ddm.Tensors;

namespace Ddm.Bench;

/// <summary>A whole training step beside the same network in plain PyTorch, and as a share of the rate of matrix products.</summary>
internal sealed class TrainingStepBenchmark : Benchmark
{
    private const double LeastShare = 0.65, LeastRatio = 1.3, MostUpdate = 0.08;

    private static readonly (SteppedNetwork Network, int Rounds, bool Aimed)[] Cases =
    [
        (new("DiT-S/2", ImageSize: 32, Channels: 4, Batch: 8), Rounds: 5, Aimed: true),
        (new("DiT-S/4", ImageSize: 32, Channels: 4, Batch: 32), Rounds: 5, Aimed: true),
        (new("DiT-B/4", ImageSize: 32, Channels: 4, Batch: 32), Rounds: 3, Aimed: true),
        (new("DiT-Nano/4", ImageSize: 28, Channels: 1, Batch: 16), Rounds: 40, Aimed: false), // the quickstart's
    ];

    public override string Name => "training-step";

    public override string Title => "Training step";

    public override Task<Section> MeasureAsync(CancellationToken cancellationToken)
    {
        var (rows, targets, versions) = (new List<IReadOnlyList<string>>(), new List<Target>(), "");
        foreach (var (network, rounds, aimed) in Cases)
        {
            var found = Measure(network, rounds, out versions, cancellationToken);
            rows.Add(found.Row);
            targets.AddRange(aimed ? found.Targets : []);
            TorchRuntime.Collect();
        }

        return Task.FromResult(new Section(
            $"Whole steps from the batch's noise to the running average, float32, {Environment.ProcessorCount} threads, one micro-batch. Operations of a step: 3 x the forward's as `Flops.Forward` "
                + "counts them (two a multiply-add of matrix products and attention, nothing for norms, activations, biases and the optimiser). Matrix rate: the higher median of two, a square "
                + "product of 2048 and the twelve products of a block's linear layers (forward and backward, at the step's sizes) through `torch.mm` in the same process, in the same rounds. "
                + $"Update: gradient norm, clipping, AdamW and average. Peer: bench/peers/dit_step.py, the same network in Debian's python3-torch, {versions}.",
            ["network", "tokens x batch", "step", "images/s", "peer's images/s", "peer's time / ours", "step's rate", "matrix rate", "share", "update / step"],
            rows, targets));
    }

    private static (IReadOnlyList<string> Row, Target[] Targets) Measure(SteppedNetwork network, int rounds, out string versions, CancellationToken cancellationToken)
    {
        var (config, batch) = (network.Config, network.Batch);
        using var trainer = network.Train();
        using var rates = new MatrixRates(config, batch);
        using var update = new UpdateAlone(trainer.State);
        using var peer = PythonPeer.Start("dit_step.py", [.. new[]
        {
            config.ImageSize, config.Channels, config.Patch, config.Hidden, config.Depth, config.Heads, config.Classes, batch, Environment.ProcessorCount,
        }.Select(Text)]);
        versions = peer.Versions;
        var times = SideBySide.Run(
            rounds, 1, cancellationToken,
            new Side("step", () => trainer.Step().Seconds),
            new Side("square", Stopwatched.Seconds(rates.MultiplySquares)),
            new Side("layers", Stopwatched.Seconds(rates.MultiplyLayers)),
            new Side("update", Stopwatched.Seconds(update.Run)),
            peer.ToSide("peer"));
        var (step, python) = (times[0], times[4]);
        var rate = 3.0 * Flops.Forward(config) * batch / step.Median;
        var matrices = Math.Max(MatrixRates.SquareFlops / times[1].Median, rates.LayersFlops / times[2].Median);
        var (share, ratio, updateShare) = (rate / matrices, python.Over(step), times[3].Over(step));
        string[] row =
        [
            network.Preset, $"{config.Tokens} x {batch}", Cells.Times(step), Rate(batch / step.Median), Rate(batch / python.Median), Cells.Ratio(ratio),
            Cells.FlopRate(rate), Cells.FlopRate(matrices), Cells.Percent(share), Cells.Percent(updateShare),
        ];
        var name = $"{network.Preset} (hidden {Text(config.Hidden)})";
        return (row,
        [
            new($"{name}: at least 65 % of the matrix rate", Cells.Percent(share), share >= LeastShare),
            new($"{name}: at least 1.3 x the peer's images/s", Cells.Ratio(ratio), ratio >= LeastRatio),
            new($"{name}: optimiser, average and clipping at most 8 % of a step", Cells.Percent(updateShare), updateShare <= MostUpdate),
        ]);
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Rate(double value) => value.ToString(value < 100 ? "F2" : "F0", CultureInfo.InvariantCulture);
}
