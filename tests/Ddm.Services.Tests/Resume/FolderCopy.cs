namespace Ddm.Services.Tests;

/// <summary>A home folder as it stood, so that many things can be done to the same one.</summary>
internal static class FolderCopy
{
    public static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var folder in Directory.GetDirectories(from, "*", SearchOption.AllDirectories))
        {
            Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, folder)));
        }

        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)));
        }
    }

    /// <summary>Puts the copy back in place of what is there.</summary>
    public static void Restore(string copy, string to)
    {
        if (Directory.Exists(to))
        {
            Directory.Delete(to, recursive: true);
        }

        Copy(copy, to);
    }

    /// <summary>Names of all blobs under a home, sorted.</summary>
    public static string[] Blobs(string home) => [.. Directory.GetFiles(home, "*", SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(home, file)).Where(name => !name.StartsWith('.') && !name.Contains('~')).Order(StringComparer.Ordinal)];
}
