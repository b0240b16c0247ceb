namespace Ddm.Data;

/// <summary>The images of one data set shard, decoded.</summary>
/// <param name="Pixels">[N, C, H, W] uint8.</param>
/// <param name="Labels">[N]; -1: none.</param>
/// <param name="HeldOut">[N]: never trained on.</param>
/// <param name="RowIds">[N]: rows in the source.</param>
/// <param name="Channels">C.</param>
/// <param name="Size">H = W.</param>
public sealed record ImageRows(byte[] Pixels, long[] Labels, bool[] HeldOut, long[] RowIds, int Channels, int Size)
{
    /// <summary>N.</summary>
    public int Count => Labels.Length;

    /// <summary>Bytes of one image.</summary>
    public int RowBytes => Channels * Size * Size;

    /// <summary>One image, [C, H, W].</summary>
    public ReadOnlySpan<byte> Row(int index) => Pixels.AsSpan(index * RowBytes, RowBytes);
}
