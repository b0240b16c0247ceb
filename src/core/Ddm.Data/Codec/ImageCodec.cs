using System.Globalization;
using NetVips;

namespace Ddm.Data;

/// <summary>
/// Pictures in and out, by libvips. Each call works on its caller's thread alone, so that callers decide how many run at once. The rules by
/// which a file becomes the square that the networks see are a table in docs/data.md; there is a test for each.
/// </summary>
public static class ImageCodec
{
    /// <summary>Pictures that declare more pixels than this are refused before they are decoded.</summary>
    public const long MaxPixels = 100_000_000;

    /// <summary>Pictures whose long side is more than this many times the short one are refused: next to nothing of them lies in a square.</summary>
    public const int MaxAspect = 1000;

    private const string Profile = "icc-profile-data", Orientation = "orientation";
    private const int MostShrinkOnLoad = 8; // libjpeg's
    private const int Upright = 1;

    private static readonly double[] White = [255.0];

    // What libvips warns about is thrown as well; its own copy would go to the console.
    private static readonly Log.LogDelegate Silence = (_, _, _) => { };

    static ImageCodec()
    {
        Log.SetLogHandler("VIPS", Enums.LogLevelFlags.Warning, Silence);
        NetVips.NetVips.Concurrency = 1; // callers parallelise over pictures
        Cache.Max = 0; // no two operations here are alike: libvips' cache of them would only hold memory
    }

    /// <summary>Decodes a file's bytes into the square the networks see.</summary>
    /// <param name="encoded">PNG, JPEG or WebP.</param>
    /// <param name="size">Side of the square, pixels.</param>
    /// <param name="channels">1 (grey) or 3 (sRGB).</param>
    /// <returns>[channels, size, size] uint8.</returns>
    /// <exception cref="BadImageException">Not a picture of these formats, damaged, cut short, or over <see cref="MaxPixels"/>.</exception>
    public static byte[] DecodeSquare(byte[] encoded, int size, int channels)
    {
        PictureFormat.RequireAllowed(encoded);
        return Guard(() =>
        {
            // Opening reads the header alone.
            using var whole = Image.NewFromBuffer(encoded, failOn: Enums.FailOn.Truncated);
            RequireSize(whole.Width, whole.Height);
            if (IsSquareAlready(whole, size, channels))
            {
                return Planes.FromInterleaved(whole.WriteToMemory<byte>(), channels);
            }

            var shrink = PictureFormat.IsJpeg(encoded) ? ShrinkOnLoad(Math.Min(whole.Width, whole.Height), size) : 1;
            if (shrink == 1)
            {
                return ToSquare(whole, size, channels);
            }

            using var smaller = Image.JpegloadBuffer(encoded, shrink: shrink, failOn: Enums.FailOn.Truncated);
            return ToSquare(smaller, size, channels);
        });
    }

    /// <summary>Brings a decoded picture to the square the networks see.</summary>
    /// <returns>[channels, size, size] uint8.</returns>
    /// <exception cref="BadImageException">The picture is empty or over <see cref="MaxPixels"/>.</exception>
    public static byte[] Square(PixelImage image, int size, int channels)
    {
        if (image.Width == size && image.Height == size && image.Channels == channels)
        {
            return Planes.FromInterleaved(image.Pixels, channels);
        }

        RequireSize(image.Width, image.Height);
        return Guard(() =>
        {
            using var raw = FromPixels(image.Pixels, image.Width, image.Height, image.Channels);
            return ToSquare(raw, size, channels);
        });
    }

    /// <summary>Writes pixels as a PNG without loss; the same pixels give the same bytes.</summary>
    /// <param name="planes">[channels, height, width] uint8.</param>
    /// <param name="channels">1 or 3.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    public static byte[] EncodePng(ReadOnlySpan<byte> planes, int channels, int height, int width)
        => PngFile.Encode(Planes.ToInterleaved(planes, channels), width, height, channels);

    /// <summary>Writes pixels in a format that people ask for.</summary>
    /// <param name="planes">[channels, height, width] uint8.</param>
    /// <param name="channels">1 or 3.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="format">The format.</param>
    /// <param name="quality">Of JPEG and WebP, 0 to 100; PNG has no loss.</param>
    public static byte[] Encode(ReadOnlySpan<byte> planes, int channels, int height, int width, PictureEncoding format, int quality)
    {
        if (format == PictureEncoding.Png)
        {
            return EncodePng(planes, channels, height, width);
        }

        using var image = FromPixels(Planes.ToInterleaved(planes, channels), width, height, channels);
        return format == PictureEncoding.Jpeg ? image.JpegsaveBuffer(q: Math.Max(quality, 1)) : image.WebpsaveBuffer(q: quality);
    }

    /// <summary>Reads a PNG as <see cref="EncodePng"/> writes them: 8 bits, grey or RGB, not interlaced.</summary>
    /// <exception cref="BadImageException">Another kind of PNG, or a damaged one.</exception>
    public static PixelImage DecodePng(byte[] png) => PngFile.Decode(png);

    // libvips decodes the whole picture before it scales (its access is random), so that a file cut short is refused even where only the part
    // is missing that would be cropped away. Its thumbnail of a buffer would let such files pass.
    private static byte[] ToSquare(Image whole, int size, int channels)
    {
        var profile = whole.Contains(Profile) ? "srgb" : null;
        using var square = whole.ThumbnailImage(size, height: size, size: Enums.Size.Both, crop: Enums.Interesting.Centre, outputProfile: profile);
        using var opaque = square.HasAlpha() ? square.Flatten(background: White) : square.Copy();
        using var colours = opaque.Colourspace(channels == 1 ? Enums.Interpretation.Bw : Enums.Interpretation.Srgb);
        using var bytes = colours.Cast(Enums.BandFormat.Uchar);
        if (bytes.Bands != channels || bytes.Width != size || bytes.Height != size)
        {
            throw new BadImageException($"came out as {bytes.Width} x {bytes.Height} with {bytes.Bands} channels");
        }

        return Planes.FromInterleaved(bytes.WriteToMemory<byte>(), channels);
    }

    // Then nothing needs doing, and libvips' pipeline for doing nothing costs twice what decoding a small picture does.
    private static bool IsSquareAlready(Image whole, int size, int channels)
        => whole.Width == size && whole.Height == size && whole.Bands == channels && whole.Format == Enums.BandFormat.Uchar
            && whole.Interpretation == (channels == 1 ? Enums.Interpretation.Bw : Enums.Interpretation.Srgb)
            && !whole.Contains(Profile) && (!whole.Contains(Orientation) || (int)whole.Get(Orientation) == Upright);

    // A JPEG may be halved while it is decoded, which spares most of the work. A factor of two at least is left to the antialiased filter.
    private static int ShrinkOnLoad(int shortSide, int size)
    {
        var shrink = 1;
        while (shrink < MostShrinkOnLoad && shortSide / (2 * shrink) >= 2 * size)
        {
            shrink *= 2;
        }

        return shrink;
    }

    private static Image FromPixels(byte[] pixels, int width, int height, int channels)
    {
        using var raw = Image.NewFromMemory(pixels, width, height, channels, Enums.BandFormat.Uchar);
        return raw.Copy(interpretation: channels == 1 ? Enums.Interpretation.Bw : Enums.Interpretation.Srgb);
    }

    private static T Guard<T>(Func<T> decode)
    {
        try
        {
            return decode();
        }
        catch (VipsException error)
        {
            var reason = error.Message.ReplaceLineEndings(" ").Trim();
            throw new BadImageException("cannot be decoded: " + reason, error);
        }
    }

    private static void RequireSize(int width, int height)
    {
        if (width < 1 || height < 1 || (long)width * height > MaxPixels)
        {
            throw new BadImageException(string.Create(
                CultureInfo.InvariantCulture, $"{width} x {height} pixels; at most {MaxPixels:N0} are decoded"));
        }

        if ((long)Math.Min(width, height) * MaxAspect < Math.Max(width, height))
        {
            throw new BadImageException(string.Create(
                CultureInfo.InvariantCulture, $"{width} x {height} pixels; one side may be at most {MaxAspect:N0} times the other"));
        }
    }
}
