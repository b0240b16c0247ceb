namespace Ddm.Diffusion;

/// <summary>
/// Arithmetic of one image's forward pass: two operations a multiply-add of the matrix products and of attention, nothing for norms, activations and biases,
/// as papers count them (halved, GMACs). A training step takes three times as much.
/// </summary>
public static class Flops
{
    /// <summary>A DiT, one image.</summary>
    public static long Forward(DiTConfig config)
        => Embedding(config) + (config.Depth * Block(config, config.Tokens))
            + FinalLayer(config, config.Tokens, config.Patch * config.Patch * config.OutputChannels);

    /// <summary>A router over <paramref name="experts"/> experts, one image.</summary>
    public static long RouterForward(DiTConfig config, int experts)
        => Embedding(config) + ((config.Depth - 1) * Block(config, config.Tokens + 1)) + FirstTokenBlock(config, config.Tokens + 1) + FinalLayer(config, 1, experts);

    private static long Embedding(DiTConfig config)
    {
        long d = config.Hidden;
        var patches = 2 * config.Tokens * d * config.Channels * config.Patch * config.Patch;
        var time = 2 * d * (TimestepEmbedder.Frequencies + d);
        var label = config.Classes > 0 ? 2 * d * (config.Classes + 1) : 0; // a product with a one-hot row
        return patches + time + label;
    }

    private static long Block(DiTConfig config, long tokens)
    {
        long d = config.Hidden;
        var qkvAndProj = 2 * tokens * 4 * d * d;
        var attention = 2 * 2 * tokens * tokens * d; // q k^T and its product with v
        var mlp = 2 * tokens * 2 * d * config.MlpHidden;
        var modulation = 2 * 6 * d * d;
        return qkvAndProj + attention + mlp + modulation;
    }

    // The router's last block: keys and values of all tokens, everything else of the first alone.
    private static long FirstTokenBlock(DiTConfig config, long tokens)
    {
        long d = config.Hidden;
        var keysAndValues = 2 * tokens * 2 * d * d;
        var queryAndProj = 2 * 2 * d * d;
        var attention = 2 * 2 * tokens * d;
        var mlp = 2 * 2 * d * config.MlpHidden;
        var modulation = 2 * 6 * d * d;
        return keysAndValues + queryAndProj + attention + mlp + modulation;
    }

    private static long FinalLayer(DiTConfig config, long tokens, long outputs)
        => (2 * tokens * config.Hidden * outputs) + (2L * 2 * config.Hidden * config.Hidden);
}
