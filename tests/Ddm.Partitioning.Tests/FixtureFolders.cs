namespace Ddm.Partitioning.Tests;

/// <summary>Finds reference data: under tests/fixtures of the repository, and under $DDM_FIXTURES where that is set.</summary>
internal static class FixtureFolders
{
    /// <summary>Folders whose names start with <paramref name="prefix"/>.</summary>
    public static IReadOnlyList<string> Named(string prefix)
    {
        string?[] roots = [InRepository(), Environment.GetEnvironmentVariable("DDM_FIXTURES")];
        return [.. roots.OfType<string>().Where(Directory.Exists).SelectMany(root => Directory.EnumerateDirectories(root, prefix + "*")).Order(StringComparer.Ordinal)];
    }

    private static string? InRepository()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var fixtures = Path.Combine(folder.FullName, "tests", "fixtures");
            if (Directory.Exists(fixtures))
            {
                return fixtures;
            }
        }

        return null;
    }
}
