namespace Ddm.Data;

/// <summary>Pictures side by side in one PNG: contact sheets and sample grids.</summary>
public static class ImageGrid
{
    private const byte Paper = 255;

    /// <summary>Lays pictures out row by row with a gap of one pixel (scaled like them), nearest-neighbour enlarged.</summary>
    /// <param name="images">Each [channels, size, size] uint8; at least one.</param>
    /// <param name="channels">1 or 3.</param>
    /// <param name="size">Side of one picture, pixels.</param>
    /// <param name="columns">Pictures in a row.</param>
    /// <param name="scale">Screen pixels a pixel.</param>
    /// <returns>A PNG file's bytes.</returns>
    public static byte[] Png(IReadOnlyList<byte[]> images, int channels, int size, int columns, int scale = 2)
    {
        ArgumentOutOfRangeException.ThrowIfZero(images.Count);
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(scale, 1);
        columns = Math.Min(columns, images.Count);
        var rows = (images.Count + columns - 1) / columns;
        var (width, height) = (columns * (size + 1) - 1, rows * (size + 1) - 1);
        var sheet = new byte[channels * height * width];
        Array.Fill(sheet, Paper);
        for (var i = 0; i < images.Count; i++)
        {
            Place(sheet, images[i], channels, size, width, height, (i / columns) * (size + 1), (i % columns) * (size + 1));
        }

        var pixels = Enlarge(Planes.ToInterleaved(sheet, channels), channels, width, height, scale);
        return ImageCodec.EncodePng(Planes.FromInterleaved(pixels, channels), channels, height * scale, width * scale);
    }

    private static void Place(byte[] sheet, byte[] image, int channels, int size, int width, int height, int top, int left)
    {
        if (image.Length != channels * size * size)
        {
            throw new ArgumentException($"a picture of {image.Length} bytes among pictures of {channels} x {size} x {size}", nameof(image));
        }

        for (var c = 0; c < channels; c++)
        {
            for (var y = 0; y < size; y++)
            {
                image.AsSpan((c * size + y) * size, size).CopyTo(sheet.AsSpan((c * height + top + y) * width + left));
            }
        }
    }

    private static byte[] Enlarge(byte[] pixels, int channels, int width, int height, int scale)
    {
        var wide = width * scale;
        var large = new byte[channels * wide * height * scale];
        for (var y = 0; y < height * scale; y++)
        {
            for (var x = 0; x < wide; x++)
            {
                var from = ((y / scale) * width + x / scale) * channels;
                pixels.AsSpan(from, channels).CopyTo(large.AsSpan((y * wide + x) * channels));
            }
        }

        return large;
    }
}
