using System.Globalization;
using System.Text;

namespace Ddm.Data;

/// <summary>A picture's caption: UTF-8, white space around it taken off, at most 64 KiB; an empty one is none.</summary>
internal static class Caption
{
    /// <summary>Longest caption, bytes of UTF-8.</summary>
    public const int MostBytes = 1 << 16;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads a caption's file or member; a byte order mark is taken off.</summary>
    /// <exception cref="BadImageException">Too long, or not UTF-8.</exception>
    public static string? Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith("\uFEFF"u8))
        {
            bytes = bytes[3..];
        }

        RequireShort(bytes.Length);
        try
        {
            return Clean(Strict.GetString(bytes));
        }
        catch (ArgumentException)
        {
            throw new BadImageException("its caption is not UTF-8: save it in that encoding");
        }
    }

    /// <summary>A caption that is text already.</summary>
    /// <exception cref="BadImageException">Too long.</exception>
    public static string? Clean(string? text)
    {
        var trimmed = text?.Trim();
        if (string.IsNullOrEmpty(trimmed))
        {
            return null;
        }

        RequireShort(Encoding.UTF8.GetByteCount(trimmed));
        return trimmed;
    }

    /// <summary>Refuses a caption by its length alone, before it is read.</summary>
    /// <exception cref="BadImageException">Too long.</exception>
    public static void RequireShort(long bytes)
    {
        if (bytes > MostBytes)
        {
            throw new BadImageException(string.Create(CultureInfo.InvariantCulture, $"a caption of {bytes:N0} bytes; at most {MostBytes:N0} are kept"));
        }
    }
}
