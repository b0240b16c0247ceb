using Ddm.Runs;

namespace Ddm.Diffusion;

/// <summary>Parameters of a network as its papers count them: everything in the state dict, the fixed position table included.</summary>
public static class ParameterCount
{
    /// <summary>A DiT's.</summary>
    public static long Of(DiTConfig config) => Trunk(config) + FinalLayer(config, config.Patch * config.Patch * config.OutputChannels);

    /// <summary>A router's.</summary>
    public static long OfRouter(DiTConfig config, int experts) => Trunk(config) + config.Hidden + (config.MlpHead ? Head(config.Hidden, experts) : FinalLayer(config, experts));

    private static long Head(long width, long experts) => Dense(width, width) + (2 * width) + Dense(width, experts);

    private static long Trunk(DiTConfig config)
    {
        long d = config.Hidden;
        var positions = config.Tokens * d;
        var patches = Dense(config.Channels * config.Patch * config.Patch, d);
        var time = Dense(TimestepEmbedder.Frequencies, d) + Dense(d, d);
        var labels = config.Classes > 0 ? (config.Classes + 1) * d : 0;
        var block = Attention(d) + Mlp(d, config.MlpHidden);
        var shared = positions + patches + time + labels;
        return config.Text is { } text
            ? shared + Text(text, d) + Dense(d, 6 * d) + (config.Depth * (block + Attention(d) + (6 * d)))
            : shared + (config.Depth * (block + Dense(d, 6 * d)));
    }

    private static long Text(TextShape text, long hidden)
    {
        long w = text.Width;
        return Dense(w, hidden) + (text.Learned ? ((text.Vocabulary + text.Tokens) * w) + (TextEncoder.Layers * (Attention(w) + Mlp(w, 4 * w))) : 0);
    }

    private static long FinalLayer(DiTConfig config, long outputs)
        => (config.Text is null ? Dense(config.Hidden, 2L * config.Hidden) : 2L * config.Hidden) + Dense(config.Hidden, outputs);

    private static long Attention(long width) => Dense(width, 3 * width) + Dense(width, width);

    private static long Mlp(long width, long inner) => Dense(width, inner) + Dense(inner, width);

    private static long Dense(long inputs, long outputs) => (inputs + 1) * outputs;
}
