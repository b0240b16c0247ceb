using System.Diagnostics;
using Ddm.Encoders;
using Ddm.Runs;
using TorchSharp;

namespace Ddm.Services;

/// <summary>What an autoencoder costs on this machine, from running it on a made-up picture.</summary>
/// <param name="SecondsToEncode">Of a picture.</param>
/// <param name="SecondsToDecode">Of a latent.</param>
internal sealed record CodecProbe(double SecondsToEncode, double SecondsToDecode)
{
    /// <summary>Measures; null where networks see pixels.</summary>
    /// <exception cref="UserErrorException">The autoencoder cannot be used.</exception>
    public static CodecProbe? Measure(RunSpec spec, string root)
    {
        if (spec.Latent.Vae is null)
        {
            return null;
        }

        using var scope = torch.NewDisposeScope();
        using var codec = LatentCodec.OpenFile(spec, root);
        var (data, input) = (spec.Data, spec.Input());
        var pixels = torch.randint(0, 256, [1, data.Channels, data.ImageSize, data.ImageSize], torch.ScalarType.Byte);
        var latent = torch.randn(1, input.Channels, input.Size, input.Size);
        return new CodecProbe(Second(() => codec.Moments(pixels).Dispose()), Second(() => codec.Decode(latent).Dispose()));
    }

    // The first run pays for libtorch's own preparations.
    private static double Second(Action run)
    {
        run();
        var started = Stopwatch.GetTimestamp();
        run();
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }
}
