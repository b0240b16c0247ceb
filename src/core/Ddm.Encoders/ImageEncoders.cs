using Ddm.Runs;
using Ddm.Tensors;

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

    private static string Known(FeaturesSpec spec) => Names.Contains(spec.Encoder, StringComparer.Ordinal)
        ? spec.Encoder
        : throw new UserErrorException($"features.encoder '{spec.Encoder}' is not known. Known: {string.Join(", ", Names)}.");
}
