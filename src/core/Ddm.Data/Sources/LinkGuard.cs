namespace Ddm.Data;

/// <summary>Tells whether symbolic links lead out of a folder.</summary>
public sealed class LinkGuard
{
    private const int MostLinks = 40; // as Linux

    private readonly Dictionary<string, string> folders = new(StringComparer.Ordinal);
    private readonly string inside;

    /// <summary>A guard of one folder.</summary>
    /// <param name="root">The folder; may be reached by links itself.</param>
    public LinkGuard(string root) => inside = Path.TrimEndingDirectorySeparator(Resolve(Path.GetFullPath(root), 0)) + Path.DirectorySeparatorChar;

    /// <summary>Whether a file, links followed, lies in the folder or is the folder itself.</summary>
    /// <exception cref="IOException">The links go round in a circle.</exception>
    public bool IsInside(string path) => (Resolve(path, 0) + Path.DirectorySeparatorChar).StartsWith(inside, StringComparison.Ordinal);

    private string Resolve(string path, int links)
    {
        if (links > MostLinks)
        {
            throw new IOException("too many symbolic links");
        }

        var parent = Path.GetDirectoryName(path);
        if (parent is null)
        {
            return path;
        }

        if (!folders.TryGetValue(parent, out var folder))
        {
            folders.Add(parent, folder = Resolve(parent, links));
        }

        var real = Path.Combine(folder, Path.GetFileName(path));
        return new FileInfo(real).LinkTarget is { } target ? Resolve(Path.GetFullPath(target, folder), links + 1) : real;
    }
}
