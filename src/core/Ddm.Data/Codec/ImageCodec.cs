using System.Globalization;
using NetVips;

namespace Ddm.Data;

/// <summary>
/// Pictures in and out, by libvips. Each call works on its caller's thread alone, so that callers decide how many run at once.
/// Rules: PNG, JPEG and WebP by their first bytes, whatever the name says; the first frame of an animation; EXIF rotation is applied; 16 bits
/// are cut to 8; CMYK, palette and other colour spaces become sRGB; alpha is laid over white; grey is the luminance of linear light (libvips'
/// <c>b-w</c>). A picture that is not already the asked square is scaled by an antialiased filter until its short side fits, then cropped about its centre.
/// </summary>
public static class ImageCodec
{
    /// <summary>Pictures that declare more pixels than this are refused before they are decoded.</summary>
    public const long MaxPixels = 100_000_000;

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
        RequireKnownFormat(encoded);
        return Guard(() =>
        {
            // Opening reads the header alone. (libvips' thumbnail of a buffer is faster on JPEG, but lets files pass that were cut short.)
            using var whole = Image.NewFromBuffer(encoded, failOn: Enums.FailOn.Truncated);
            RequireFewPixels(whole.Width, whole.Height);
            using var square = whole.ThumbnailImage(size, height: size, size: Enums.Size.Both, crop: Enums.Interesting.Centre);
            return ToPlanes(square, size, channels);
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

        RequireFewPixels(image.Width, image.Height);
        return Guard(() =>
        {
            using var raw = FromPixels(image.Pixels, image.Width, image.Height, image.Channels);
            using var square = raw.ThumbnailImage(size, height: size, size: Enums.Size.Both, crop: Enums.Interesting.Centre);
            return ToPlanes(square, size, channels);
        });
    }

    /// <summary>Writes pixels as a PNG without loss; the same pixels give the same bytes.</summary>
    /// <param name="planes">[channels, height, width] uint8.</param>
    /// <param name="channels">1 or 3.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    public static byte[] EncodePng(ReadOnlySpan<byte> planes, int channels, int height, int width)
        => PngFile.Encode(Planes.ToInterleaved(planes, channels), width, height, channels);

    /// <summary>Reads a PNG as <see cref="EncodePng"/> writes them: 8 bits, grey or RGB, not interlaced.</summary>
    /// <exception cref="BadImageException">Another kind of PNG, or a damaged one.</exception>
    public static PixelImage DecodePng(byte[] png) => PngFile.Decode(png);

    private static byte[] ToPlanes(Image square, int size, int channels)
    {
        using var opaque = square.HasAlpha() ? square.Flatten(background: White) : square.Copy();
        using var colours = opaque.Colourspace(channels == 1 ? Enums.Interpretation.Bw : Enums.Interpretation.Srgb);
        using var bytes = colours.Cast(Enums.BandFormat.Uchar);
        if (bytes.Bands != channels || bytes.Width != size || bytes.Height != size)
        {
            throw new BadImageException($"came out as {bytes.Width} x {bytes.Height} with {bytes.Bands} channels");
        }

        return Planes.FromInterleaved(bytes.WriteToMemory<byte>(), channels);
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

    private static void RequireFewPixels(int width, int height)
    {
        if (width < 1 || height < 1 || (long)width * height > MaxPixels)
        {
            throw new BadImageException(string.Create(
                CultureInfo.InvariantCulture, $"{width} x {height} pixels; at most {MaxPixels:N0} are decoded"));
        }
    }

    private static void RequireKnownFormat(ReadOnlySpan<byte> encoded)
    {
        if (encoded.IsEmpty)
        {
            throw new BadImageException("empty file");
        }

        if (!IsPng(encoded) && !IsJpeg(encoded) && !IsWebP(encoded))
        {
            throw new BadImageException("neither PNG nor JPEG nor WebP by its first bytes");
        }
    }

    private static bool IsPng(ReadOnlySpan<byte> bytes) => bytes.StartsWith((ReadOnlySpan<byte>)[0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]);

    private static bool IsJpeg(ReadOnlySpan<byte> bytes) => bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]);

    private static bool IsWebP(ReadOnlySpan<byte> bytes) => bytes.Length >= 12 && bytes.StartsWith("RIFF"u8) && bytes[8..].StartsWith("WEBP"u8);
}
