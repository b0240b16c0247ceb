using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>The encoders a spec can name under <c>features.encoder</c>.</summary>
public static class ImageEncoders
{
    private const int BlocksAtOnce = 16;

    /// <summary>Their names.</summary>
    public static IReadOnlyList<string> Names { get; } = [FeaturesSpec.Pixels, FeaturesSpec.DinoV2, FeaturesSpec.Onnx];

    /// <summary>Whether the encoder learns from the data set: then <see cref="Prepare"/> needs a sample.</summary>
    /// <exception cref="UserErrorException">No such encoder.</exception>
    public static bool NeedsSample(FeaturesSpec spec) => Known(spec) == FeaturesSpec.Pixels;

    /// <summary>Pictures to hand to the encoder at once. Principal components are a product of matrices of so many rows, whose last bits depend on it; published encoders have blocks of their own.</summary>
    /// <exception cref="UserErrorException">No such encoder.</exception>
    public static int BatchRows(FeaturesSpec spec) => NeedsSample(spec) ? PixelEncoder.BlockRows : PreparedPictures.BlockRows * BlocksAtOnce;

    /// <summary>Refuses weights that cannot be those of the encoder, before anything rests on them.</summary>
    /// <param name="spec">Which encoder.</param>
    /// <param name="root">The folder that the spec's paths are relative to.</param>
    /// <exception cref="UserErrorException">There is no such encoder or file, or the file is of another network; the message names the tensor.</exception>
    public static void Require(FeaturesSpec spec, string root)
    {
        if (!NeedsSample(spec))
        {
            OpenPublished(spec, root).Dispose();
        }
    }

    /// <summary>Writes what <see cref="Open"/> takes: a fit to the sample, or the published weights, so that a run needs no file but its own.</summary>
    /// <param name="spec">Which encoder.</param>
    /// <param name="root">The folder that the spec's paths are relative to.</param>
    /// <param name="sample">Training rows, [N, C, H, W] uint8; unused where <see cref="NeedsSample"/> is false.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="target">Receives it.</param>
    /// <exception cref="UserErrorException">As for <see cref="Require"/>; or too little data to fit.</exception>
    public static void Prepare(FeaturesSpec spec, string root, Tensor? sample, long seed, Stream target)
    {
        switch (Known(spec))
        {
            case FeaturesSpec.Pixels:
                using (var encoder = PixelEncoder.Fit(sample!, spec.Dimensions, seed))
                {
                    encoder.Save(target);
                }

                break;
            case FeaturesSpec.DinoV2:
                using (var file = WeightFile.Open(Path.Combine(root, spec.Weights!)))
                using (new DinoV2Encoder(file, spec.Pooling))
                {
                    file.Save(target);
                }

                break;
            default:
                OnnxEncoder.Save(Path.Combine(root, spec.Weights!), spec.Pooling, target);
                break;
        }
    }

    /// <summary>Opens a prepared encoder.</summary>
    /// <param name="spec">Which one.</param>
    /// <param name="name">The blob that it was prepared in, for messages.</param>
    /// <param name="prepared">What <see cref="Prepare"/> wrote; still the caller's.</param>
    /// <exception cref="UserErrorException">No such encoder, or weights of another network.</exception>
    /// <exception cref="InvalidDataException"><paramref name="prepared"/> is not of this encoder.</exception>
    public static IImageEncoder Open(FeaturesSpec spec, string name, TensorBundle prepared) => Known(spec) switch
    {
        FeaturesSpec.Pixels => PixelEncoder.Load(prepared),
        FeaturesSpec.DinoV2 => new DinoV2Encoder(WeightFile.From(name, prepared), spec.Pooling),
        _ => OnnxEncoder.Load(name, prepared, spec.Pooling),
    };

    /// <summary>Opens a published encoder from its file.</summary>
    /// <exception cref="UserErrorException">As for <see cref="Require"/>.</exception>
    public static IImageEncoder OpenPublished(FeaturesSpec spec, string root)
    {
        var path = Path.Combine(root, spec.Weights!);
        if (spec.Encoder == FeaturesSpec.Onnx)
        {
            return OnnxEncoder.Open(path, spec.Pooling);
        }

        using var file = WeightFile.Open(path);
        return new DinoV2Encoder(file, spec.Pooling);
    }

    /// <summary>Bytes of a published encoder's file.</summary>
    /// <exception cref="UserErrorException">There is no such file.</exception>
    public static long WeightBytes(FeaturesSpec spec, string root)
        => new FileInfo(spec.Encoder == FeaturesSpec.Onnx ? Path.Combine(root, spec.Weights!) : WeightFile.Find(Path.Combine(root, spec.Weights!))).Length;

    private static string Known(FeaturesSpec spec) => Names.Contains(spec.Encoder, StringComparer.Ordinal)
        ? spec.Encoder
        : throw new UserErrorException($"features.encoder '{spec.Encoder}' is not known. Known: {string.Join(", ", Names)}.");
}
