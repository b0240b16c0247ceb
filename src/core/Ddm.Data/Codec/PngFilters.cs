namespace Ddm.Data;

/// <summary>PNG's prediction filters: a byte is replaced by its difference from a guess out of the bytes left (a), above (b) and above left (c).</summary>
internal static class PngFilters
{
    private const int None = 0, Sub = 1, Up = 2, Average = 3, Paeth = 4;

    /// <summary>Filters each row by the filter whose differences are smallest, as the specification suggests.</summary>
    /// <param name="pixels">Rows of <paramref name="stride"/> bytes.</param>
    /// <param name="stride">Bytes of a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="step">Bytes of a pixel.</param>
    /// <returns>Rows of one byte (the filter) and <paramref name="stride"/> differences.</returns>
    public static byte[] Apply(byte[] pixels, int stride, int height, int step)
    {
        var filtered = new byte[height * (stride + 1)];
        var above = new byte[stride];
        var attempt = new byte[stride];
        for (var y = 0; y < height; y++)
        {
            var row = pixels.AsSpan(y * stride, stride);
            var target = filtered.AsSpan(y * (stride + 1), stride + 1);
            var least = int.MaxValue;
            for (var filter = None; filter <= Paeth; filter++)
            {
                var size = Differences(row, above, attempt, step, filter);
                if (size < least)
                {
                    least = size;
                    target[0] = (byte)filter;
                    attempt.CopyTo(target[1..]);
                }
            }

            row.CopyTo(above);
        }

        return filtered;
    }

    /// <summary>Gives the pixels back.</summary>
    /// <exception cref="BadImageException">A row names a filter that there is not.</exception>
    public static byte[] Undo(byte[] filtered, int stride, int height, int step)
    {
        var pixels = new byte[height * stride];
        ReadOnlySpan<byte> above = new byte[stride];
        for (var y = 0; y < height; y++)
        {
            var source = filtered.AsSpan(y * (stride + 1), stride + 1);
            if (source[0] > Paeth)
            {
                throw new BadImageException($"a damaged PNG: filter {source[0]}");
            }

            var row = pixels.AsSpan(y * stride, stride);
            for (var x = 0; x < stride; x++)
            {
                var (left, corner) = x < step ? (0, 0) : (row[x - step], above[x - step]);
                row[x] = (byte)(source[x + 1] + Guess(source[0], left, above[x], corner));
            }

            above = row;
        }

        return pixels;
    }

    private static int Differences(ReadOnlySpan<byte> row, ReadOnlySpan<byte> above, Span<byte> target, int step, int filter)
    {
        var size = 0;
        for (var x = 0; x < row.Length; x++)
        {
            var (left, corner) = x < step ? (0, 0) : (row[x - step], above[x - step]);
            target[x] = (byte)(row[x] - Guess(filter, left, above[x], corner));
            size += Math.Abs((int)(sbyte)target[x]);
        }

        return size;
    }

    private static int Guess(int filter, int a, int b, int c) => filter switch
    {
        None => 0,
        Sub => a,
        Up => b,
        Average => (a + b) / 2,
        _ => Nearest(a, b, c),
    };

    // Paeth's predictor: of a, b, c the one nearest to a + b - c, ties in this order.
    private static int Nearest(int a, int b, int c)
    {
        var (toA, toB, toC) = (Math.Abs(b - c), Math.Abs(a - c), Math.Abs(a + b - 2 * c));
        return toA <= toB && toA <= toC ? a : toB <= toC ? b : c;
    }
}
