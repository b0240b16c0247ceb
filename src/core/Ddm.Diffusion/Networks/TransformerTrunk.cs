using Ddm.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Ddm.Diffusion;

/// <summary>What experts and routers share: embedders, position table and blocks. Parameter names equal those of facebookresearch/DiT.</summary>
public abstract class TransformerTrunk : nn.Module
{
    private protected readonly PatchEmbedder x_embedder;
    private protected readonly TimestepEmbedder t_embedder;
    private protected readonly LabelEmbedder? y_embedder;
    private protected readonly ModuleList<DiTBlock> blocks;

    // In the state dict, as the reference's frozen parameter is, and not trained: a persistent buffer.
    private protected readonly Tensor pos_embed; // [1, T, D]

    private protected TransformerTrunk(DiTConfig config, string name, Device device)
        : base(name)
    {
        // Created where they live: Module.to() would leave parameters that are no leaves of the graph.
        Config = config.Validated();
        x_embedder = new PatchEmbedder(config, device);
        t_embedder = new TimestepEmbedder(config, device);
        y_embedder = config.Classes > 0 ? new LabelEmbedder(config, device) : null;
        blocks = new ModuleList<DiTBlock>([.. Enumerable.Range(0, config.Depth).Select(_ => new DiTBlock(config, device))]);
        pos_embed = PositionTable.Create(config.Hidden, config.Grid, device);
    }

    /// <summary>The shape this network was built with.</summary>
    public DiTConfig Config { get; }

    /// <summary>Every parameter an optimiser may move, ordered by name; the position table is none.</summary>
    public IReadOnlyList<(string Name, Parameter Parameter)> TrainableParameters()
        => [.. named_parameters().Where(p => p.parameter.requires_grad).OrderBy(p => p.name, StringComparer.Ordinal).Select(p => (p.name, p.parameter))];

    /// <summary>Sets every weight from (<paramref name="seed"/>, <paramref name="role"/>) alone, by the reference's rules.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="role">Whose network this is: <c>Role.StreamKey</c>.</param>
    public void Initialize(long seed, uint role) => WeightInitializer.Fill(this, seed, role);

    /// <summary>SiLU of the summed embeddings of time and label, which is all that blocks and final layer see of the condition. [N, D] float32.</summary>
    private protected Tensor Condition(Tensor t, Tensor? labels)
    {
        var condition = t_embedder.Forward(t);
        if (y_embedder is not null)
        {
            using var all = labels is null ? Arithmetic.Filled([t.size(0)], Config.Classes, ScalarType.Int64, t.device) : null;
            condition = condition.Plus(y_embedder.Forward(labels ?? all!));
        }

        return F.silu(condition);
    }

    /// <summary>Patches of x with their positions: [N, T, D] float32.</summary>
    private protected Tensor Embed(Tensor x, ComputeType type) => x_embedder.Forward(x, type).Plus(pos_embed);
}
