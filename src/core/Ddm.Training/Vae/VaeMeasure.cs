using Ddm.Data;
using Ddm.Diffusion;
using Ddm.Encoders;
using static TorchSharp.torch;

namespace Ddm.Training;

/// <summary>Encodes and decodes some pictures of a set, always the same ones.</summary>
/// <param name="pictures">The set.</param>
/// <param name="places">Which of its rows: evenly spaced.</param>
/// <param name="settings">The autoencoder's.</param>
internal sealed class VaeMeasure(PictureSet pictures, IReadOnlyList<int> places, VaeSettings settings)
{
    private const double Peak = 255, NoError = 99;
    private const int MostPictures = 512;

    /// <summary>Pictures that no step trains on; where none is held out, of those that are trained on.</summary>
    public static VaeMeasure Of(PictureSet pictures, VaeSettings settings)
        => new(pictures, Spread(pictures.HeldOut.Count > 0 ? pictures.HeldOut : pictures.Training, MostPictures), settings);

    /// <summary>Some places, evenly spaced.</summary>
    public static IReadOnlyList<int> Spread(IReadOnlyList<int> places, int most)
    {
        var count = Math.Min(places.Count, most);
        return [.. Enumerable.Range(0, count).Select(i => places[(int)((long)i * places.Count / count)])];
    }

    /// <summary>How well a network shows them.</summary>
    public VaeQuality Quality(AutoencoderKL network, Device device)
    {
        var (squares, levels, elements) = (0.0, 0.0, 0L);
        foreach (var (original, decoded) in Decoded(network, device))
        {
            for (var i = 0; i < original.Length; i++)
            {
                var difference = original[i] - decoded[i];
                squares += difference * difference;
                levels += Math.Abs(difference);
            }

            elements += original.Length;
        }

        var psnr = squares == 0 ? NoError : 10 * Math.Log10(Peak * Peak * elements / squares);
        return new VaeQuality(psnr, levels / elements, places.Count);
    }

    /// <summary>The pictures and what a network makes of them, [C, H, W] uint8 each.</summary>
    public IEnumerable<(byte[] Original, byte[] Decoded)> Decoded(AutoencoderKL network, Device device)
    {
        foreach (var chunk in places.Chunk(settings.MicroBatch))
        {
            var originals = Array.ConvertAll(chunk, place => pictures.Rows.Row(place).ToArray());
            var decoded = Decode(network, device, originals);
            for (var i = 0; i < chunk.Length; i++)
            {
                yield return (originals[i], decoded[(i * pictures.Rows.RowBytes)..((i + 1) * pictures.Rows.RowBytes)]);
            }
        }
    }

    private byte[] Decode(AutoencoderKL network, Device device, byte[][] originals)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var pixels = Stack(originals, settings);
        var mean = network.Encode(EightBit.Images(pixels.to(device))).narrow(1, 0, settings.LatentChannels);
        return EightBit.Levels(network.Decode(mean)).cpu().bytes.ToArray();
    }

    /// <summary>Pictures as one tensor, [N, C, H, W] uint8.</summary>
    public static Tensor Stack(byte[][] rows, VaeSettings settings)
    {
        var pixels = empty([rows.Length, settings.Channels, settings.ImageSize, settings.ImageSize], ScalarType.Byte, CPU);
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i].CopyTo(pixels.bytes[(i * rows[i].Length)..]);
        }

        return pixels;
    }
}
