using System.IO.Enumeration;

namespace Ddm.Services;

/// <summary>Finds the symbolic links under a folder.</summary>
internal static class LinkWalk
{
    /// <summary>Every link in the folder and in the folders that its links lead to, each folder entered once. Lazy: whoever stops at the first bad link follows none.</summary>
    public static IEnumerable<string> Links(string folder)
    {
        var (waiting, seen) = (new Queue<string>([folder]), new HashSet<string>(StringComparer.Ordinal));
        while (waiting.TryDequeue(out var next))
        {
            if (!seen.Add(new DirectoryInfo(next).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? next))
            {
                continue;
            }

            foreach (var link in LinksOf(next))
            {
                yield return link;
                if (Directory.Exists(link))
                {
                    waiting.Enqueue(link);
                }
            }
        }
    }

    private static FileSystemEnumerable<string> LinksOf(string folder) => new(
        folder,
        (ref FileSystemEntry entry) => entry.ToFullPath(),
        new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None, IgnoreInaccessible = false })
    {
        ShouldIncludePredicate = (ref FileSystemEntry entry) => IsLink(ref entry),
        ShouldRecursePredicate = (ref FileSystemEntry entry) => !IsLink(ref entry),
    };

    private static bool IsLink(ref FileSystemEntry entry) => (entry.Attributes & FileAttributes.ReparsePoint) != 0;
}
