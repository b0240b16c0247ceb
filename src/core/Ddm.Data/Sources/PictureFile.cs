using System.Globalization;

namespace Ddm.Data;

/// <summary>Files of pictures and of the captions beside them.</summary>
internal static class PictureFile
{
    /// <summary>Larger files are no pictures to train on.</summary>
    public const long MostBytes = 256L << 20;

    /// <summary>How a picture's name ends, in lower case.</summary>
    public static readonly string[] Extensions = [".png", ".jpg", ".jpeg", ".webp"];

    /// <summary>Whether a file's name ends like a picture's.</summary>
    public static bool IsPicture(ReadOnlySpan<char> name)
    {
        var extension = Path.GetExtension(name);
        foreach (var known in Extensions)
        {
            if (extension.Equals(known, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A picture's bytes.</summary>
    /// <exception cref="BadImageException">It is gone, forbidden, or too large.</exception>
    public static byte[] Read(string path) => Guard(() =>
    {
        var length = new FileInfo(path).Length;
        RequireSmall(length);
        return File.ReadAllBytes(path);
    });

    /// <summary>The caption in a file.</summary>
    /// <exception cref="BadImageException">It is gone, forbidden, too long, or not UTF-8.</exception>
    public static string? ReadCaption(string path) => Guard(() =>
    {
        Caption.RequireShort(new FileInfo(path).Length);
        return Caption.Read(File.ReadAllBytes(path));
    });

    /// <summary>Refuses a picture by its length alone, before it is read.</summary>
    /// <exception cref="BadImageException">Too large.</exception>
    public static void RequireSmall(long bytes)
    {
        if (bytes > MostBytes)
        {
            throw new BadImageException(string.Create(CultureInfo.InvariantCulture, $"a file of {bytes:N0} bytes; at most {MostBytes:N0} are read"));
        }
    }

    private static T Guard<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException)
        {
            throw new BadImageException("cannot be read: " + error.Message, error);
        }
    }
}
