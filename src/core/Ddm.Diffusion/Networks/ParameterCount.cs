namespace Ddm.Diffusion;

/// <summary>Parameters of a network as its papers count them: everything in the state dict, the fixed position table included.</summary>
public static class ParameterCount
{
    /// <summary>A DiT's.</summary>
    public static long Of(DiTConfig config) => Trunk(config) + FinalLayer(config, config.Patch * config.Patch * config.OutputChannels);

    /// <summary>A router's.</summary>
    public static long OfRouter(DiTConfig config, int experts) => Trunk(config) + config.Hidden + FinalLayer(config, experts);

    private static long Trunk(DiTConfig config)
    {
        long d = config.Hidden;
        var positions = config.Tokens * d;
        var patches = Dense(config.Channels * config.Patch * config.Patch, d);
        var time = Dense(TimestepEmbedder.Frequencies, d) + Dense(d, d);
        var labels = config.Classes > 0 ? (config.Classes + 1) * d : 0;
        var block = Dense(d, 3 * d) + Dense(d, d) + Dense(d, config.MlpHidden) + Dense(config.MlpHidden, d) + Dense(d, 6 * d);
        return positions + patches + time + labels + (config.Depth * block);
    }

    private static long FinalLayer(DiTConfig config, long outputs) => Dense(config.Hidden, 2L * config.Hidden) + Dense(config.Hidden, outputs);

    private static long Dense(long inputs, long outputs) => (inputs + 1) * outputs;
}
