using System.Buffers;

namespace Ddm.Storage;

/// <summary>
/// The one rule for blob names: at most 512 characters, segments of <c>[A-Za-z0-9._-]</c> joined by single <c>/</c>, no segment that starts or ends
/// with a dot (so no <c>.</c>, <c>..</c> or hidden file), no leading or trailing <c>/</c>. Such a name is a safe relative path on every system.
/// </summary>
public static class BlobName
{
    /// <summary>Longest name, in characters.</summary>
    public const int MaximumLength = 512;

    private static readonly SearchValues<char> Allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    /// <summary>Whether <paramref name="name"/> is a blob's name.</summary>
    public static bool IsValid(string name)
    {
        if (name.Length > MaximumLength)
        {
            return false;
        }

        foreach (var segment in name.AsSpan().Split('/'))
        {
            if (!IsSegment(name.AsSpan(segment)))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether <paramref name="text"/> is one segment of a name: a run's or a model's id, a part's file name.</summary>
    public static bool IsSegment(ReadOnlySpan<char> text) =>
        !text.IsEmpty && text[0] != '.' && text[^1] != '.' && !text.ContainsAnyExcept(Allowed);

    /// <summary>Returns <paramref name="name"/> if it is a blob's name.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    public static string Check(string name) => IsValid(name) ? name : throw Refused(name, nameof(name));

    /// <summary>Returns <paramref name="prefix"/> if some blob's name can start with it: empty, or the beginning of a valid name.</summary>
    /// <exception cref="ArgumentException">No name starts so.</exception>
    public static string CheckPrefix(string prefix) =>
        prefix.Length == 0 || IsValid(prefix.EndsWith('/') ? prefix[..^1] : prefix) ? prefix : throw Refused(prefix, nameof(prefix));

    /// <summary>Returns <paramref name="folder"/> if it is empty, or the beginning of a valid name with its final <c>/</c>.</summary>
    /// <exception cref="ArgumentException">It is neither.</exception>
    public static string CheckFolder(string folder) => folder.Length == 0 || folder.EndsWith('/') ? CheckPrefix(folder) : throw Refused(folder, nameof(folder));

    private static ArgumentException Refused(string name, string parameter) => new(
        $"'{(name.Length > MaximumLength ? name[..64] + "..." : name)}' is no blob name: at most 512 characters, segments of letters, digits, '.', '_' and '-' "
        + "joined by '/', none of which starts or ends with a dot.",
        parameter);
}
