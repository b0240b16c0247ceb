using System.Text;

namespace Ddm.Data;

/// <summary>Paths that come from a data set's own files: only what lies under its folder is read.</summary>
internal static class SourcePath
{
    /// <summary>What is wrong with a relative path; null: nothing. Looks at the text alone.</summary>
    public static string? Problem(string path)
    {
        if (path.Length == 0)
        {
            return "is empty";
        }

        if (Encoding.UTF8.GetByteCount(path) > NameList.MostBytes)
        {
            return $"is longer than {NameList.MostBytes} bytes";
        }

        if (path.Contains("://", StringComparison.Ordinal))
        {
            return "is a URL; nothing is fetched";
        }

        if (path[0] is '/' or '\\' || (path.Length > 1 && path[1] == ':' && char.IsAsciiLetter(path[0])))
        {
            return "is an absolute path";
        }

        if (path.Contains('\0', StringComparison.Ordinal))
        {
            return "holds a zero byte";
        }

        return path.Split('/', '\\').Contains("..") ? "leads out of the folder (..)" : null;
    }
}
