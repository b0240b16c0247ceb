using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>
/// The router p(k | x_t, t, c): the trunk of a DiT, conditioned like the experts, with a learned token in front whose last state gives the
/// logits (Decentralized Diffusion Models, section 3.3). Its last layer starts at zero, and so its answer at the uniform distribution.
/// </summary>
public sealed class RouterNetwork : TransformerTrunk
{
    private readonly Parameter cls_token; // [1, 1, D]
    private readonly FinalLayer? final_layer;
    private readonly RouterHead? head;

    /// <summary>A router of the given trunk over the given number of experts.</summary>
    /// <param name="config">The trunk's shape.</param>
    /// <param name="experts">K.</param>
    /// <param name="initialize">False leaves the weights unset, for a checkpoint to fill; true initialises them as seed 0, role 0.</param>
    /// <param name="device">Where the weights live; null: the CPU. <c>Module.to()</c> would leave parameters that are no leaves of the graph.</param>
    /// <exception cref="Ddm.Runs.UserErrorException">The numbers of the shape do not fit each other.</exception>
    public RouterNetwork(DiTConfig config, int experts, bool initialize = true, Device? device = null)
        : base(config, nameof(RouterNetwork), device ?? CPU)
    {
        Experts = experts;
        cls_token = new Parameter(empty([1, 1, config.Hidden], device: device));
        final_layer = config.MlpHead ? null : FinalLayer.Of(config, experts, device ?? CPU);
        head = config.MlpHead ? new RouterHead(config.Hidden, experts, device ?? CPU) : null;
        RegisterComponents();
        if (initialize)
        {
            Initialize(0, 0);
        }
    }

    /// <summary>K.</summary>
    public int Experts { get; }

    /// <summary>Logits of p(k | x_t, t, c).</summary>
    /// <param name="x">x_t, [N, C, H, W] float32.</param>
    /// <param name="t">Times, [N] float32: 0 is data, 1 is noise.</param>
    /// <param name="condition">
    /// Classes, [N] int64, <c>Classes</c> for none; or captions, [N, L] int64 tokens or [N, L, W] float32 vectors. Null: none for all rows. Unused by an unconditional network.
    /// </param>
    /// <param name="type">Type of the blocks' matrix products.</param>
    /// <returns>[N, K] float32.</returns>
    public Tensor Forward(Tensor x, Tensor t, Tensor? condition, ComputeType type = ComputeType.Float32)
    {
        var conditioning = Condition(t, condition, type);
        var token = cls_token.expand(x.size(0), 1, Config.Hidden);
        var hidden = cat([token, Embed(x, type)], dim: 1); // (N, 1 + T, D)
        foreach (var block in blocks.Take(Config.Depth - 1))
        {
            hidden = block.Forward(hidden, conditioning, type);
        }

        var answer = blocks[Config.Depth - 1].ForwardFirst(hidden, conditioning, type); // (N, 1, D): of the last block only the token's state is read
        return (head?.Forward(answer) ?? final_layer!.Forward(answer, conditioning)).squeeze(1); // (N, K)
    }
}
