using System.Globalization;
using System.Text;

namespace Ddm.Storage;

/// <summary>Which file system a path lies on, by Linux's <c>/proc/self/mountinfo</c> (proc_pid_mountinfo(5)).</summary>
internal static class MountTable
{
    private const int MountPointField = 4;

    /// <summary>The file system's type of the mount that <paramref name="path"/> lies on; null when no line matches.</summary>
    public static string? TypeOf(string mountInfo, string path)
    {
        string? type = null;
        var longest = -1;
        foreach (var line in mountInfo.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            // 36 35 98:0 /root /mount/point options [optional fields] - type source options
            var halves = line.Split(" - ", 2);
            var fields = halves[0].Split(' ');
            if (halves.Length < 2 || fields.Length <= MountPointField)
            {
                continue;
            }

            var point = Unescape(fields[MountPointField]);
            if (point.Length >= longest && Contains(point, path)) // of two mounts on one point the later hides the earlier
            {
                (longest, type) = (point.Length, halves[1].Split(' ')[0]);
            }
        }

        return type;
    }

    /// <summary>The path with every symbolic link on the way followed.</summary>
    public static string Resolve(string path)
    {
        var parent = Path.GetDirectoryName(path);
        if (parent is null)
        {
            return path;
        }

        var here = Path.Combine(Resolve(parent), Path.GetFileName(path));
        return new DirectoryInfo(here).ResolveLinkTarget(returnFinalTarget: true) is { } target ? Resolve(target.FullName) : here;
    }

    private static bool Contains(string point, string path) =>
        point == "/" || path == point || (path.StartsWith(point, StringComparison.Ordinal) && path[point.Length] == '/');

    // A space is \040, a tab \011, a newline \012, a backslash \134, a hash \043.
    private static string Unescape(string text)
    {
        if (!text.Contains('\\', StringComparison.Ordinal))
        {
            return text;
        }

        var bytes = new List<byte>();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length)
            {
                bytes.Add(byte.Parse(Octal(text.AsSpan(i + 1, 3)), CultureInfo.InvariantCulture));
                i += 3;
            }
            else
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(text[i].ToString()));
            }
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }

    private static string Octal(ReadOnlySpan<char> digits) => Convert.ToInt32(digits.ToString(), 8).ToString(CultureInfo.InvariantCulture);
}
