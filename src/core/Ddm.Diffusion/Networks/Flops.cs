using Ddm.Runs;

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
        => Embedding(config) + ((config.Depth - 1) * Block(config, config.Tokens + 1)) + FirstTokenBlock(config, config.Tokens + 1)
            + (config.MlpHead ? 2L * config.Hidden * (config.Hidden + experts) : FinalLayer(config, 1, experts));

    private static long Embedding(DiTConfig config)
    {
        long d = config.Hidden;
        var patches = 2 * config.Tokens * d * config.Channels * config.Patch * config.Patch;
        var time = 2 * d * (TimestepEmbedder.Frequencies + d);
        var label = config.Classes > 0 ? 2 * d * (config.Classes + 1) : 0; // a product with a one-hot row
        return patches + time + label + (config.Text is { } text ? Text(text, d) : 0);
    }

    // The projection, the modulation that all blocks share, and a network's own encoder.
    private static long Text(TextShape text, long hidden)
    {
        long w = text.Width, l = text.Tokens;
        var layer = (2 * l * 12 * w * w) + (2 * 2 * l * l * w);
        return (2 * l * w * hidden) + (2 * 6 * hidden * hidden) + (text.Learned ? (2 * l * text.Vocabulary * w) + (TextEncoder.Layers * layer) : 0);
    }

    // Queries and projection of the tokens, keys and values of the caption; in place of a modulation of the block's own.
    private static long ModulationOrCaption(DiTConfig config, long tokens)
    {
        long d = config.Hidden;
        return config.Text is { } text ? (2 * tokens * 2 * d * d) + (2 * text.Tokens * 2 * d * d) + (2 * 2 * tokens * text.Tokens * d) : 2 * 6 * d * d;
    }

    private static long Block(DiTConfig config, long tokens)
    {
        long d = config.Hidden;
        var qkvAndProj = 2 * tokens * 4 * d * d;
        var attention = 2 * 2 * tokens * tokens * d; // q k^T and its product with v
        var mlp = 2 * tokens * 2 * d * config.MlpHidden;
        return qkvAndProj + attention + mlp + ModulationOrCaption(config, tokens);
    }

    // The router's last block: keys and values of all tokens, everything else of the first alone.
    private static long FirstTokenBlock(DiTConfig config, long tokens)
    {
        long d = config.Hidden;
        var keysAndValues = 2 * tokens * 2 * d * d;
        var queryAndProj = 2 * 2 * d * d;
        var attention = 2 * 2 * tokens * d;
        var mlp = 2 * 2 * d * config.MlpHidden;
        return keysAndValues + queryAndProj + attention + mlp + ModulationOrCaption(config, 1);
    }

    private static long FinalLayer(DiTConfig config, long tokens, long outputs)
        => (2 * tokens * config.Hidden * outputs) + (config.Text is null ? 2L * 2 * config.Hidden * config.Hidden : 0);
}
