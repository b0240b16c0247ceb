using System.Diagnostics;
using Ddm.Encoders;
using Ddm.Runs;
using TorchSharp;

namespace Ddm.Services;

/// <summary>What a published encoder costs on this machine, from running it on made-up pictures.</summary>
/// <param name="Dimensions">D.</param>
/// <param name="SecondsPerPicture">Of preparing and encoding.</param>
/// <param name="FlopsPerPicture">Counted; 0 for an ONNX model, whose operations are not known.</param>
/// <param name="Bytes">Of the file, which the run copies.</param>
internal sealed record EncoderProbe(int Dimensions, double SecondsPerPicture, double FlopsPerPicture, long Bytes)
{
    private const int Pictures = 16;

    /// <summary>Measures; null for an encoder without weights.</summary>
    /// <exception cref="UserErrorException">The weights cannot be used.</exception>
    public static EncoderProbe? Measure(RunSpec spec, string root)
    {
        if (ImageEncoders.NeedsSample(spec.Features))
        {
            return null;
        }

        using var scope = torch.NewDisposeScope();
        using var encoder = ImageEncoders.OpenPublished(spec.Features, root);
        var pixels = torch.randint(0, 256, [Pictures, spec.Data.Channels, spec.Data.ImageSize, spec.Data.ImageSize], torch.ScalarType.Byte);
        encoder.Encode(pixels).Dispose();
        var started = Stopwatch.GetTimestamp();
        encoder.Encode(pixels).Dispose();
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds / Pictures;
        return new EncoderProbe(
            encoder.Dimensions, seconds, (encoder as DinoV2Encoder)?.OperationsPerPicture ?? 0, ImageEncoders.WeightBytes(spec.Features, root));
    }
}
