using Ddm.Data;

namespace Ddm.Bench;

/// <summary>Any number of pictures that are nowhere but drawn when they are read: grey 28 x 28 PNGs in ten classes, no two alike.</summary>
internal sealed class DrawnImageSource(int count) : IImageSource
{
    private const int Side = 28;

    public int Count => count;

    public IReadOnlyList<string> ClassNames { get; } = [.. Enumerable.Range(0, 10).Select(i => $"class {i}")];

    public string Fingerprint => "drawn";

    public string NameOf(int row) => $"drawn/{row}.png";

    public RawImage Read(int row)
    {
        var pixels = new byte[Side * Side];
        for (var i = 0; i < pixels.Length; i++)
        {
            pixels[i] = (byte)((i % Side * (row % 10 + 1)) + (i / Side * (row % 7)));
        }

        BitConverter.TryWriteBytes(pixels, row);
        return new RawImage(NameOf(row), row % 10, ImageCodec.EncodePng(pixels, 1, Side, Side), null);
    }
}
