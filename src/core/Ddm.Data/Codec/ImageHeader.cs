using NetVips;

namespace Ddm.Data;

/// <summary>What a picture's first bytes say of it, without decoding it.</summary>
/// <param name="Width">Columns.</param>
/// <param name="Height">Rows.</param>
public readonly record struct ImageHeader(int Width, int Height)
{
    /// <summary>The sizes of a source's picture.</summary>
    /// <exception cref="BadImageException">It is no picture.</exception>
    public static ImageHeader Of(RawImage image)
    {
        if (image.Pixels is { } pixels)
        {
            return new ImageHeader(pixels.Width, pixels.Height);
        }

        try
        {
            using var header = Image.NewFromBuffer(image.Encoded ?? []);
            return new ImageHeader(header.Width, header.Height);
        }
        catch (VipsException error)
        {
            throw new BadImageException("cannot be read: " + error.Message.ReplaceLineEndings(" ").Trim(), error);
        }
    }
}
