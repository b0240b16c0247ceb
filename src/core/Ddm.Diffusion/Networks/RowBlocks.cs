using System.Collections.Concurrent;
using Ddm.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>
/// Runs a network so that the answer for a row has the same bits whichever rows are beside it and however many. On the CPU the rows go through in blocks whose sizes were
/// seen, on this machine and with this many threads, to give every row the bits that it gets alone (<see cref="Sizes"/>). What decides an operation's order of additions is
/// its shape, not its numbers, so that a look at every size settles it. Devices other than the CPU take all rows at once, and promise nothing.
/// </summary>
internal sealed class RowBlocks
{
    /// <summary>Rows of the largest block. Products of hundreds of token rows run at full speed, and a block's activations stay in the cache.</summary>
    public const int Largest = FewRows.Fewest;

    private static readonly ConcurrentDictionary<Shape, Lazy<bool[]>> Known = new();

    private readonly Shape shape;
    private readonly Forward forward;

    private RowBlocks(Shape shape, Forward forward) => (this.shape, this.forward) = (shape, forward);

    private delegate Tensor Forward(Tensor x, Tensor t, Tensor? condition);

    /// <summary>False runs all rows at once, as fast as the machine allows and with bits that depend on the batch: what invariance costs is measured so.</summary>
    public bool Invariant { get; init; } = true;

    public static RowBlocks Of(DiT network, ComputeType type, bool invariant = true)
        => new(new Shape(network.Config, 0, type, 0), (x, t, condition) => network.Forward(x, t, condition, type)) { Invariant = invariant };

    public static RowBlocks Of(RouterNetwork network, ComputeType type, bool invariant = true)
        => new(new Shape(network.Config, network.Experts, type, 0), (x, t, condition) => network.Forward(x, t, condition, type)) { Invariant = invariant };

    /// <summary>Tries the sizes of blocks for experts of a shape, once a process: what that takes in memory is free again before their weights are there.</summary>
    public static void Prepare(DiTConfig config) => Good(new Shape(config, 0, ComputeType.Float32, 0));

    /// <summary>The network's answer, [N, ...].</summary>
    /// <param name="x">[N, C, H, W].</param>
    /// <param name="t">[N].</param>
    /// <param name="condition">[N, ...] as the network takes it, or null.</param>
    public Tensor Run(Tensor x, Tensor t, Tensor? condition)
    {
        var rows = (int)x.size(0);
        if (!Invariant || x.device_type != DeviceType.CPU)
        {
            return Block(x, t, condition, 0, rows);
        }

        using var scope = NewDisposeScope();
        var parts = new List<Tensor>();
        for (var first = 0; first < rows;)
        {
            var left = rows - first;
            var even = (left + ((left + Largest - 1) / Largest) - 1) / ((left + Largest - 1) / Largest); // 17 rows are 9 and 8 rather than 16 and 1
            var count = even == 1 ? 1 : LargestGood(even);
            parts.Add(Block(x, t, condition, first, count));
            first += count;
        }

        return (parts.Count == 1 ? parts[0] : cat(parts, dim: 0)).MoveToOuterDisposeScope();
    }

    /// <summary>Sizes of blocks, 1 to <see cref="Largest"/>, that give each of their rows the bits it gets alone.</summary>
    internal IReadOnlyList<int> Sizes() => [.. Enumerable.Range(1, Largest).Where(size => Good(shape)[size])];

    private int LargestGood(int atMost)
    {
        var good = Good(shape);
        while (!good[atMost])
        {
            atMost--; // ends at 1, which is what the others are compared with
        }

        return atMost;
    }

    private static bool[] Good(Shape shape)
    {
        var here = shape with { Threads = get_num_threads() };
        return Known.GetOrAdd(here, static s => new Lazy<bool[]>(() => Examine(s))).Value;
    }

    private Tensor Block(Tensor x, Tensor t, Tensor? condition, int first, int count)
    {
        using var scope = NewDisposeScope();
        return forward(x.narrow(0, first, count), t.narrow(0, first, count), condition?.narrow(0, first, count)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Tries every size on a network of this shape, two blocks deep since blocks are alike, whose weights are nowhere zero: a fresh network's zeros would hide what its layers do.
    /// </summary>
    private static bool[] Examine(Shape shape)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var config = shape.Config with { Depth = Math.Min(shape.Config.Depth, 2) };
        using TransformerTrunk network = shape.Experts == 0 ? new DiT(config, initialize: false) : new RouterNetwork(config, shape.Experts, initialize: false);
        Fill(network);
        var blocks = network is DiT expert ? Of(expert, shape.Type) : Of((RouterNetwork)network, shape.Type);
        var x = NoiseTensor.Normal(Philox.Create(0, 0, RandomStreams.PictureNoise), 0, 0, Largest, [config.Channels, config.ImageSize, config.ImageSize]);
        var t = Arithmetic.Range(Largest, ScalarType.Float32, CPU).div_(Divisor);
        var conditions = Conditions(config);
        var alone = cat([.. Enumerable.Range(0, Largest).Select(row => blocks.Block(x, t, conditions, row, 1))], dim: 0);
        var good = new bool[Largest + 1];
        good[1] = true;
        for (var size = 2; size <= Largest; size++)
        {
            good[size] = blocks.Block(x, t, conditions, 0, size).Equals(alone.narrow(0, 0, size))
                && blocks.Block(x, t, conditions, Largest - size, size).Equals(alone.narrow(0, Largest - size, size));
        }

        return good;
    }

    // Captions of all lengths: what is masked must not matter either.
    private static Tensor? Conditions(DiTConfig config)
    {
        if (config.Text is not { } text)
        {
            using Scalar classes = config.Classes;
            return Arithmetic.Range(Largest, ScalarType.Int64, CPU).clamp_max_(classes);
        }

        if (!text.Learned)
        {
            return NoiseTensor.Normal(Philox.Create(0, 1, RandomStreams.PictureNoise), 0, 0, Largest, [text.Tokens, text.Width]);
        }

        var ids = new long[Largest, text.Tokens];
        for (var row = 0; row < Largest; row++)
        {
            for (var place = 0; place <= row % text.Tokens; place++)
            {
                ids[row, place] = 1 + (((row * text.Tokens) + place) % (text.Vocabulary - 1));
            }
        }

        return tensor(ids);
    }

    private static void Fill(TransformerTrunk network)
    {
        var index = 0u;
        foreach (var (_, parameter) in network.TrainableParameters())
        {
            using var scope = NewDisposeScope();
            var shape = parameter.shape;
            using Scalar scale = 1 / Math.Sqrt((double)parameter.numel() / shape[0]);
            parameter.copy_(NoiseTensor.Normal(Philox.Create(0, index++, RandomStreams.Initialization), 0, 0, (int)shape[0], shape.AsSpan(1)).mul_(scale));
        }
    }

    private static readonly Scalar Divisor = (float)Largest;

    /// <summary>What decides the operations' shapes; <paramref name="Experts"/> is 0 for an expert, K for a router.</summary>
    private sealed record Shape(DiTConfig Config, int Experts, ComputeType Type, int Threads);
}
