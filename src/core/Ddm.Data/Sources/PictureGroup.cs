using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Ddm.Data;

/// <summary>
/// The group of a picture: text that pictures share which belong together, as variants of one. A whole number is its decimal digits, so that 7 and "7" are one
/// group; white space around it is taken off, an empty one is none.
/// </summary>
internal static class PictureGroup
{
    /// <summary>Longest group, bytes of UTF-8.</summary>
    public const int MostBytes = 1024;

    /// <summary>Takes a group as a source writes it.</summary>
    /// <param name="written">The source's text.</param>
    /// <param name="group">The group; null: none.</param>
    /// <returns>What is wrong; null: nothing.</returns>
    public static string? Take(string? written, out string? group)
    {
        group = written?.Trim() is { Length: > 0 } text ? text : null;
        var bytes = group is null ? 0 : Encoding.UTF8.GetByteCount(group);
        return bytes <= MostBytes ? null : string.Create(CultureInfo.InvariantCulture, $"has {bytes:N0} bytes; a group has at most {MostBytes:N0}");
    }

    /// <summary>SHA-256 of "group:" and the group in UTF-8: what decides whether its pictures are held out.</summary>
    public static byte[] Hash(string group) => SHA256.HashData(Encoding.UTF8.GetBytes("group:" + group));
}
