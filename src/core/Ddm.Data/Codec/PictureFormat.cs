namespace Ddm.Data;

/// <summary>What kind of file a picture is, by its first bytes alone: names lie, and some decoders of other formats fetch, run or inflate what a file says.</summary>
internal static class PictureFormat
{
    private const string Allowed = "only PNG, JPEG and WebP are decoded";

    // Formats people meet in picture folders; told apart so that the reason helps.
    private static readonly (string Name, int At, byte[] Bytes)[] Others =
    [
        ("GIF", 0, "GIF8"u8.ToArray()),
        ("TIFF", 0, [0x49, 0x49, 0x2A, 0x00]),
        ("TIFF", 0, [0x4D, 0x4D, 0x00, 0x2A]),
        ("BigTIFF", 0, [0x49, 0x49, 0x2B, 0x00]),
        ("BMP", 0, "BM"u8.ToArray()),
        ("HEIC", 4, "ftyphei"u8.ToArray()),
        ("HEIC", 4, "ftypmif1"u8.ToArray()),
        ("AVIF", 4, "ftypavi"u8.ToArray()),
        ("JPEG XL", 0, [0xFF, 0x0A]),
        ("JPEG XL", 4, "JXL "u8.ToArray()),
        ("JPEG 2000", 4, "jP  "u8.ToArray()),
        ("FITS", 0, "SIMPLE  ="u8.ToArray()),
        ("PDF", 0, "%PDF"u8.ToArray()),
        ("PSD", 0, "8BPS"u8.ToArray()),
        ("ZIP", 0, "PK\u0003\u0004"u8.ToArray()),
        ("gzip", 0, [0x1F, 0x8B]),
        ("Git LFS pointer", 0, "version https://git-lfs"u8.ToArray()),
    ];

    /// <summary>Whether the bytes begin as a JPEG does.</summary>
    public static bool IsJpeg(ReadOnlySpan<byte> bytes) => bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]);

    /// <summary>Refuses everything but PNG, JPEG and WebP.</summary>
    /// <exception cref="BadImageException">Another format; the reason names it where it is known.</exception>
    public static void RequireAllowed(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            throw new BadImageException("empty file");
        }

        if (!IsPng(bytes) && !IsJpeg(bytes) && !IsWebP(bytes))
        {
            throw new BadImageException(NameOf(bytes) is { } name ? $"a {name} file by its first bytes; {Allowed}" : $"no picture by its first bytes; {Allowed}");
        }
    }

    private static bool IsPng(ReadOnlySpan<byte> bytes) => bytes.StartsWith((ReadOnlySpan<byte>)[0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]);

    private static bool IsWebP(ReadOnlySpan<byte> bytes) => bytes.Length >= 12 && bytes.StartsWith("RIFF"u8) && bytes[8..].StartsWith("WEBP"u8);

    private static string? NameOf(ReadOnlySpan<byte> bytes)
    {
        foreach (var (name, at, start) in Others)
        {
            if (bytes.Length >= at + start.Length && bytes[at..].StartsWith(start))
            {
                return name;
            }
        }

        return IsMarkup(bytes) ? "SVG, XML or HTML" : null;
    }

    private static bool IsMarkup(ReadOnlySpan<byte> bytes)
    {
        var text = bytes.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]) ? bytes[3..] : bytes;
        text = text.TrimStart(" \t\r\n"u8);
        return text.StartsWith("<"u8);
    }
}
