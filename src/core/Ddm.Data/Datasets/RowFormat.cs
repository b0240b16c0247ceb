namespace Ddm.Data;

/// <summary>What is kept of an image for training: its pixels, [C, H, H] uint8, or the moments of its latent, [2 z, h, h] float16: means, then log variances.</summary>
/// <param name="Channels">C, or 2 z.</param>
/// <param name="Size">H, or h.</param>
/// <param name="Moments">Whether it is moments.</param>
/// <param name="Mirrored">Whether the mirror image's follow: a mirrored latent is not the latent of the mirrored picture.</param>
public readonly record struct RowFormat(int Channels, int Size, bool Moments = false, bool Mirrored = false)
{
    /// <summary>Bytes of what is kept.</summary>
    public int RowBytes => checked((Mirrored ? 2 : 1) * ImageBytes);

    /// <summary>Bytes of one image, itself or its mirror image.</summary>
    public int ImageBytes => checked(Channels * Size * Size * (Moments ? 2 : 1));

    /// <summary>Name of the tensor that holds it in a shard's file.</summary>
    internal string Tensor => Moments ? "moments" : "pixels";

    /// <summary>That tensor's type.</summary>
    internal string Type => Moments ? "F16" : "U8";

    /// <summary>That tensor's shape, of so many rows.</summary>
    internal long[] Shape(long rows) => Mirrored ? [rows, 2, Channels, Size, Size] : [rows, Channels, Size, Size];
}
