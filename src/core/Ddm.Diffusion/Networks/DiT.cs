using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>
/// The expert: a diffusion transformer that predicts the velocity v = eps - x_0. Layers, parameter names and shapes are those of
/// facebookresearch/DiT and willisma/SiT, so that their checkpoints load as they are.
/// </summary>
public sealed class DiT : TransformerTrunk
{
    private readonly FinalLayer final_layer;

    /// <summary>A network of the given shape.</summary>
    /// <param name="config">Its shape.</param>
    /// <param name="initialize">False leaves the weights unset, for a checkpoint to fill; true initialises them as seed 0, role 0.</param>
    /// <param name="device">Where the weights live; null: the CPU. <c>Module.to()</c> would leave parameters that are no leaves of the graph.</param>
    /// <param name="weights">What the blocks' matrices are kept as.</param>
    /// <exception cref="Ddm.Runs.UserErrorException">The numbers of the shape do not fit each other.</exception>
    public DiT(DiTConfig config, bool initialize = true, Device? device = null, WeightType weights = WeightType.Float32)
        : base(config, nameof(DiT), device ?? CPU, weights)
    {
        final_layer = FinalLayer.Of(config, config.Patch * config.Patch * config.OutputChannels, device ?? CPU);
        RegisterComponents();
        if (initialize)
        {
            Initialize(0, 0);
        }
    }

    /// <summary>Bytes that the weights of a network take in memory.</summary>
    /// <param name="config">Its shape.</param>
    /// <param name="weights">What the blocks' matrices are kept as.</param>
    public static long Bytes(DiTConfig config, WeightType weights)
    {
        using var network = new DiT(config, initialize: false, META, weights);
        return network.TrainableParameters().Sum(weight => weight.Parameter.numel() * weight.Parameter.element_size());
    }

    /// <summary>The velocity at (x_t, t) under a condition.</summary>
    /// <param name="x">x_t, [N, C, H, W] float32.</param>
    /// <param name="t">Times, [N] float32: 0 is data, 1 is noise.</param>
    /// <param name="condition">
    /// Classes, [N] int64, <c>Classes</c> for none; or captions, [N, L] int64 tokens or [N, L, W] float32 vectors. Null: none for all rows. Unused by an unconditional network.
    /// </param>
    /// <param name="type">Type of the blocks' matrix products.</param>
    /// <returns>[N, C, H, W] float32.</returns>
    public Tensor Forward(Tensor x, Tensor t, Tensor? condition, ComputeType type = ComputeType.Float32)
    {
        var conditioning = Condition(t, condition, type);
        var hidden = Embed(x, type); // (N, T, D)
        foreach (var block in blocks)
        {
            hidden = block.Forward(hidden, conditioning, type);
        }

        return Unpatchify(final_layer.Forward(hidden, conditioning)); // (N, T, p p C) -> (N, C, H, W)
    }

    private Tensor Unpatchify(Tensor patches)
    {
        var (grid, patch, channels) = (Config.Grid, Config.Patch, Config.OutputChannels);
        var image = patches.view(-1, grid, grid, patch, patch, channels).permute(0, 5, 1, 3, 2, 4); // (N, C, h, p, w, p)
        if (Config.LearnSigma)
        {
            image = image.narrow(1, 0, Config.Channels);
        }

        return image.reshape(-1, Config.Channels, Config.ImageSize, Config.ImageSize);
    }
}
