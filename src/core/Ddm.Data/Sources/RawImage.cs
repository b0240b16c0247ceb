namespace Ddm.Data;

/// <summary>One picture of a source, before it is brought to size: either a file's bytes or pixels.</summary>
/// <param name="Name">Where it came from, for messages: <c>cats/12.png</c>, <c>images-idx3-ubyte[12]</c>.</param>
/// <param name="Label">Index of its class; -1: none.</param>
/// <param name="Encoded">PNG, JPEG or WebP; null when <paramref name="Pixels"/> is given.</param>
/// <param name="Pixels">Decoded pixels; null when <paramref name="Encoded"/> is given.</param>
/// <param name="Text">Its caption; null: none.</param>
/// <param name="Group">What it shares with the pictures it belongs together with: they are held out together; null: it stands alone.</param>
public sealed record RawImage(string Name, long Label, byte[]? Encoded, PixelImage? Pixels, string? Text = null, string? Group = null)
{
    /// <summary>The square the networks see, [channels, size, size] uint8.</summary>
    /// <exception cref="BadImageException">It cannot be decoded.</exception>
    public byte[] ToSquare(int size, int channels) => Pixels is not null
        ? ImageCodec.Square(Pixels, size, channels)
        : ImageCodec.DecodeSquare(Encoded ?? [], size, channels);
}
