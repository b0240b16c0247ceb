namespace Ddm.Data;

/// <summary>The two layouts of pixels: decoders work on [H, W, C], networks on [C, H, W].</summary>
internal static class Planes
{
    /// <summary>[H, W, C] to [C, H, W].</summary>
    public static byte[] FromInterleaved(byte[] pixels, int channels)
    {
        if (channels == 1)
        {
            return pixels;
        }

        var area = pixels.Length / channels;
        var planes = new byte[pixels.Length];
        for (var i = 0; i < area; i++)
        {
            for (var c = 0; c < channels; c++)
            {
                planes[c * area + i] = pixels[i * channels + c];
            }
        }

        return planes;
    }

    /// <summary>[C, H, W] to [H, W, C].</summary>
    public static byte[] ToInterleaved(ReadOnlySpan<byte> planes, int channels)
    {
        if (channels == 1)
        {
            return planes.ToArray();
        }

        var area = planes.Length / channels;
        var pixels = new byte[planes.Length];
        for (var c = 0; c < channels; c++)
        {
            for (var i = 0; i < area; i++)
            {
                pixels[i * channels + c] = planes[c * area + i];
            }
        }

        return pixels;
    }
}
