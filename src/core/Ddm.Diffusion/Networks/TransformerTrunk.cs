using Ddm.Runs;
using Ddm.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Ddm.Diffusion;

/// <summary>What experts and routers share: embedders, position table and blocks. Parameter names equal those of facebookresearch/DiT, and with captions those of PixArt-alpha but for <c>text_proj</c> (Paris) and <c>text_embedder</c> (ours).</summary>
public abstract class TransformerTrunk : nn.Module
{
    private protected readonly PatchEmbedder x_embedder;
    private protected readonly TimestepEmbedder t_embedder;
    private protected readonly LabelEmbedder? y_embedder;
    private protected readonly TextEncoder? text_embedder;
    private protected readonly Dense? text_proj;
    private protected readonly Modulation? t_block;
    private protected readonly ModuleList<TransformerBlock> blocks;

    // In the state dict, as the reference's frozen parameter is, and not trained: a persistent buffer. A parameter where weights bring their own.
    private protected readonly Tensor pos_embed; // [1, T, D]

    private protected TransformerTrunk(DiTConfig config, string name, Device device, WeightType weights = WeightType.Float32)
        : base(name)
    {
        // Created where they live: Module.to() would leave parameters that are no leaves of the graph.
        Config = config.Validated();
        x_embedder = new PatchEmbedder(config, device);
        t_embedder = new TimestepEmbedder(config, device);
        y_embedder = config.Classes > 0 ? new LabelEmbedder(config, device) : null;
        if (config.Text is { } text)
        {
            text_embedder = text.Learned ? new TextEncoder(text, device) : null;
            text_proj = new Dense(text.Width, config.Hidden, device);
            t_block = new Modulation(config.Hidden, 6, device);
        }

        blocks = new ModuleList<TransformerBlock>([.. Enumerable.Range(0, config.Depth).Select(_ => Block(config, new WeightPlace(device, weights)))]);
        var positions = PositionTable.Create(config.Hidden, config.Grid, device);
        pos_embed = config.StoredPositions ? new Parameter(positions) : positions;
    }

    /// <summary>The shape this network was built with.</summary>
    public DiTConfig Config { get; }

    /// <summary>Every parameter an optimiser may move, ordered by name; the fixed position table is none.</summary>
    public IReadOnlyList<(string Name, Parameter Parameter)> TrainableParameters()
        => [.. named_parameters().Where(p => p.parameter.requires_grad).OrderBy(p => p.name, StringComparer.Ordinal).Select(p => (p.name, p.parameter))];

    /// <summary>Sets every weight from (<paramref name="seed"/>, <paramref name="role"/>) alone, by the reference's rules.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="role">Whose network this is: <c>Role.StreamKey</c>.</param>
    public void Initialize(long seed, uint role) => WeightInitializer.Fill(this, seed, role);

    /// <summary>What blocks and final layer see of time and condition.</summary>
    /// <param name="t">[N].</param>
    /// <param name="condition">[N] int64 classes; [N, L] int64 tokens or [N, L, W] float32 vectors of captions. Null: none for all rows.</param>
    /// <param name="type">Type of the products over captions.</param>
    private protected Conditioning Condition(Tensor t, Tensor? condition, ComputeType type)
    {
        var time = t_embedder.Forward(t);
        if (Config.Text is { } text)
        {
            var (states, mask) = States(condition ?? NoText(text, t), type);
            var activated = F.silu(time);
            return new Conditioning(activated, time, t_block!.Forward(activated, ComputeType.Float32), text_proj!.Forward(states, type), mask);
        }

        var embedded = time;
        if (y_embedder is not null)
        {
            using var none = condition is null ? Arithmetic.Filled([t.size(0)], Config.Classes, ScalarType.Int64, t.device) : null;
            embedded = time.Plus(y_embedder.Forward(condition ?? none!));
        }

        return new Conditioning(F.silu(embedded), time, [], null, null);
    }

    /// <summary>Patches of x with their positions: [N, T, D] float32.</summary>
    private protected Tensor Embed(Tensor x, ComputeType type) => x_embedder.Forward(x, type).Plus(pos_embed);

    private static TransformerBlock Block(DiTConfig config, WeightPlace place) => config.Text is null ? new DiTBlock(config, place) : new TextBlock(config, place);

    private (Tensor States, Tensor? Mask) States(Tensor condition, ComputeType type)
        => text_embedder is null ? (condition.to(ScalarType.Float32), null) : text_embedder.Forward(condition, type);

    private static Tensor NoText(TextShape text, Tensor t)
    {
        if (!text.Learned)
        {
            throw new InvalidOperationException("Vectors of captions come from outside the network, and so does the vector of none.");
        }

        var row = new long[text.Tokens];
        row[0] = TextShape.NullToken;
        return tensor(row, device: t.device).expand(t.size(0), -1);
    }
}
