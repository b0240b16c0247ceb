using System.Globalization;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Bench;

/// <summary>A sampler's step over K experts beside the same step of one expert alone; and what it costs that pictures do not depend on their batch.</summary>
internal sealed class SamplingBenchmark : Benchmark
{
    private const int Experts = 8, Batch = 64, Classes = 10;

    // How a router that has learned something divides a batch: unevenly.
    private static readonly int[] RowsOfExperts = [14, 11, 9, 8, 7, 6, 5, 4];

    private static readonly DiTConfig ExpertShape = Shape("DiT-S/4"), RouterShape = Shape("DiT-Nano/4");

    public override string Name => "sampling";

    public override string Title => "Drawing: top-1 of K = 8 experts beside one expert alone";

    public override Task<Section> MeasureAsync(CancellationToken cancellationToken)
    {
        TorchRuntime.SetThreads(Environment.ProcessorCount);
        using var networks = new Networks();
        var (alone, free) = (networks.Alone(invariant: true), networks.Alone(invariant: false));
        var (ensemble, freeEnsemble) = (networks.Ensemble(invariant: true), networks.Ensemble(invariant: false));
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var (x, t, labels) = (randn(Batch, 3, ExpertShape.ImageSize, ExpertShape.ImageSize), ones(Batch), zeros(Batch, ScalarType.Int64));
        var router = new NetworkRouter(networks.Router);
        long[]? top = null, full = null;
        var times = SideBySide.Run(
            5, 1, cancellationToken,
            Step("one expert alone, all rows at once", free, "oracle", _ => { }),
            Step("one expert alone", alone, "oracle", _ => { }),
            Step("top-1 of 8", ensemble, "top-1", rows => top = rows),
            Step("top-1 of 8, rows of an expert at once", freeEnsemble, "top-1", _ => { }),
            new Side("router alone", Stopwatched.Seconds(() => router.Logits(x, t, labels).Dispose())));
        var fullTimes = SideBySide.Run(2, 0, cancellationToken, Step("one expert alone", free, "oracle", _ => { }), Step("full", ensemble, "full", rows => full = rows));

        var flopShare = Flops.RouterForward(RouterShape, Experts) / (double)Flops.Forward(ExpertShape);
        var rows = times.Select(side => (IReadOnlyList<string>)[side.Name, Cells.Seconds(side.Median), Cells.Ratio(side.Over(times[0]))])
            .Append(["full, all 8 experts", Cells.Seconds(fullTimes[1].Median), Cells.Ratio(fullTimes[1].Over(fullTimes[0]))])
            .ToList();
        var measured = times[4].Over(times[0]);
        var section = new Section(
            string.Create(
                CultureInfo.InvariantCulture,
                $"One Euler step of {Batch} pictures of {ExpertShape.ImageSize} x {ExpertShape.ImageSize} x 3. Experts: hidden {ExpertShape.Hidden}, depth {ExpertShape.Depth}, {ExpertShape.Tokens} tokens, ")
            + string.Create(CultureInfo.InvariantCulture, $"{Flops.Forward(ExpertShape) / 1e9:F2} GFLOP a row; the router, hidden {RouterShape.Hidden}, depth {RouterShape.Depth}, has {100 * flopShare:F1} % of that and takes {100 * measured:F1} % of the time. ")
            + $"Top-1 divides the batch into {string.Join(", ", RowsOfExperts)} rows. Rows evaluated in a step: top-1 {top!.Sum()} = B, full {full!.Sum()} = K B. "
            + "'All rows at once' is without the blocks that make a picture independent of its batch; every other line is with them, as pictures are drawn. Ratios are to the first line.",
            ["step", "median", "times one expert alone, at once"],
            rows,
            [
                new Target("top-1 at most 1.15 x one expert alone", Cells.Ratio(times[2].Over(times[0])), times[2].Over(times[0]) <= 1.15),
                new Target("router's FLOPs at most 6 % of an expert's", Cells.Percent(flopShare), flopShare <= 0.06),
                new Target($"rows of experts in a step: top-1 {Batch}, full {Experts * Batch}", $"{top!.Sum()}, {full!.Sum()}", top!.Sum() == Batch && full!.Sum() == Experts * Batch),
            ]);
        return Task.FromResult(section);
    }

    private static DiTConfig Shape(string preset)
        => DiTConfig.From(NetworkPresets.Resolve(new NetworkSpec { Preset = preset }), imageSize: 32, channels: 3, classes: Classes);

    private static Side Step(string name, Ensemble ensemble, string strategy, Action<long[]> count)
    {
        var sampler = new Sampler(ensemble, [3, ExpertShape.ImageSize, ExpertShape.ImageSize]);
        var request = new SampleRequest
        {
            Seeds = [.. Enumerable.Range(0, Batch)],
            Labels = [.. Enumerable.Range(0, Batch).Select(i => (long)(i % Classes))],
            Oracle = new int[Batch],
            Steps = 1,
            Strategy = RoutingStrategy.Parse(strategy),
        };
        return new Side(name, Stopwatched.Seconds(() =>
        {
            using var result = sampler.Sample(request);
            count([.. result.Evaluations]);
        }));
    }

    /// <summary>A router that computes what a router computes, and then answers by a plan: an untrained one would send all rows to one expert.</summary>
    private sealed class PlannedRouter(IRouterModel router) : IRouterModel
    {
        public Tensor Logits(Tensor x, Tensor t, Tensor? labels)
        {
            using var scope = NewDisposeScope();
            var plan = RowsOfExperts.SelectMany((rows, k) => Enumerable.Repeat((long)k, rows)).ToArray();
            var preference = tensor(plan.Select(k => Enumerable.Range(0, Experts).Select(j => j == k ? 10f : 0f)).SelectMany(row => row).ToArray(), [Batch, Experts]);
            return router.Logits(x, t, labels).Plus(preference).MoveToOuterDisposeScope();
        }
    }

    private sealed class Networks : IDisposable
    {
        private readonly DiT[] experts = [.. Enumerable.Range(0, Experts).Select(_ => new DiT(ExpertShape))];

        public RouterNetwork Router { get; } = new(RouterShape, Experts);

        public Ensemble Alone(bool invariant) => new([new DiTExpert(experts[0], ComputeType.Float32, invariant)], new UniformRouter(1), Classes);

        public Ensemble Ensemble(bool invariant) => new(
            [.. experts.Select(e => new DiTExpert(e, ComputeType.Float32, invariant))], new PlannedRouter(new NetworkRouter(Router, ComputeType.Float32, invariant)), Classes);

        public void Dispose()
        {
            Array.ForEach(experts, e => e.Dispose());
            Router.Dispose();
        }
    }
}
