using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>The encoders a spec can name under <c>features.encoder</c>.</summary>
public static class ImageEncoders
{
    /// <summary>Their names.</summary>
    public static IReadOnlyList<string> Names { get; } = [PixelEncoder.Name];

    /// <summary>Whether the encoder is fitted to the data set before it can be opened.</summary>
    /// <exception cref="UserErrorException">No such encoder.</exception>
    public static bool NeedsFit(FeaturesSpec spec) => Known(spec) == PixelEncoder.Name;

    /// <summary>Opens an encoder.</summary>
    /// <param name="spec">Which one.</param>
    /// <param name="fitted">What fitting wrote; null for encoders that need none. Still the caller's.</param>
    /// <exception cref="UserErrorException">No such encoder.</exception>
    /// <exception cref="InvalidDataException"><paramref name="fitted"/> is not of this encoder.</exception>
    public static IImageEncoder Open(FeaturesSpec spec, TensorBundle? fitted)
    {
        Known(spec);
        return PixelEncoder.Load(fitted ?? throw new ArgumentNullException(nameof(fitted), "the encoder needs a fit"));
    }

    /// <summary>Fits an encoder that <see cref="NeedsFit"/> and writes what <see cref="Open"/> takes.</summary>
    /// <param name="spec">Which one.</param>
    /// <param name="sample">Training rows, [N, C, H, W] uint8.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="target">Receives the fit.</param>
    /// <exception cref="UserErrorException">No such encoder, or too little data for it.</exception>
    public static void Fit(FeaturesSpec spec, Tensor sample, long seed, Stream target)
    {
        Known(spec);
        using var encoder = PixelEncoder.Fit(sample, spec.Dimensions, seed);
        encoder.Save(target);
    }

    private static string Known(FeaturesSpec spec) => Names.Contains(spec.Encoder, StringComparer.Ordinal)
        ? spec.Encoder
        : throw new UserErrorException($"features.encoder '{spec.Encoder}' is not known. Known: {string.Join(", ", Names)}.");
}
