namespace Ddm.Data;

/// <summary>The images of one data set shard, decoded; or their latents' moments.</summary>
/// <param name="Pixels">As <paramref name="Format"/> says, row by row: [N, C, H, W] uint8, or moments.</param>
/// <param name="Labels">[N]; -1: none.</param>
/// <param name="HeldOut">[N]: never trained on.</param>
/// <param name="RowIds">[N]: rows in the source.</param>
/// <param name="Format">What is kept of an image.</param>
/// <param name="Texts">[N]: captions, null where a row has none; null: no row has one.</param>
public sealed record ImageRows(byte[] Pixels, long[] Labels, bool[] HeldOut, long[] RowIds, RowFormat Format, string?[]? Texts = null)
{
    /// <summary>Captions as networks take them, row by row; null: they are not kept.</summary>
    public byte[]? Conditions { get; init; }

    /// <summary>N.</summary>
    public int Count => Labels.Length;

    /// <summary>Bytes of one image.</summary>
    public int RowBytes => Format.RowBytes;

    /// <summary>The rows that may be trained on, of several shards of one shape, in order.</summary>
    /// <param name="shards">The shards.</param>
    /// <param name="most">Rows at most.</param>
    public static ImageRows Training(IReadOnlyList<ImageRows> shards, int most)
    {
        var rows = shards
            .SelectMany(shard => Enumerable.Range(0, shard.Count).Where(i => !shard.HeldOut[i]).Select(i => (Shard: shard, Index: i)))
            .Take(most).ToArray();
        var (first, rowBytes) = (shards[0], shards[0].RowBytes);
        var pixels = new byte[rows.Length * rowBytes];
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i].Shard.Row(rows[i].Index).CopyTo(pixels.AsSpan(i * rowBytes));
        }

        return new ImageRows(
            pixels,
            Array.ConvertAll(rows, row => row.Shard.Labels[row.Index]),
            new bool[rows.Length],
            Array.ConvertAll(rows, row => row.Shard.RowIds[row.Index]),
            first.Format,
            Array.Exists(rows, row => row.Shard.Texts is not null) ? Array.ConvertAll(rows, row => row.Shard.Texts?[row.Index]) : null);
    }

    /// <summary>One row's caption as networks take it; empty where it is not kept.</summary>
    public ReadOnlySpan<byte> Condition(int index)
    {
        var width = (Conditions?.Length ?? 0) / Math.Max(1, Count);
        return Conditions.AsSpan(index * width, width);
    }

    /// <summary>One image, [C, H, W].</summary>
    public ReadOnlySpan<byte> Row(int index) => Pixels.AsSpan(index * RowBytes, RowBytes);
}
