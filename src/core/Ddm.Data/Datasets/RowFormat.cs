namespace Ddm.Data;

/// <summary>What is kept of an image for training: its pixels, [C, H, H] uint8, or the moments of its latent, [2 z, h, h] float16: means, then log variances.</summary>
/// <param name="Channels">C, or 2 z.</param>
/// <param name="Size">H, or h.</param>
/// <param name="Moments">Whether it is moments.</param>
public readonly record struct RowFormat(int Channels, int Size, bool Moments = false)
{
    /// <summary>Bytes of one image.</summary>
    public int RowBytes => checked(Channels * Size * Size * (Moments ? 2 : 1));

    /// <summary>Name of the tensor that holds it in a shard's file.</summary>
    internal string Tensor => Moments ? "moments" : "pixels";

    /// <summary>That tensor's type.</summary>
    internal string Type => Moments ? "F16" : "U8";
}
