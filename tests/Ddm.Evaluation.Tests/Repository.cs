namespace Ddm.Evaluation.Tests;

/// <summary>Files of the working tree that tests read.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string Sample(string name) => Path.Combine(Root, "samples", name);

    /// <summary>Fixture folders whose names start with <paramref name="prefix"/>, under tests/fixtures and $DDM_FIXTURES.</summary>
    public static IEnumerable<string> Fixtures(string prefix)
    {
        string?[] places = [Path.Combine(Root, "tests", "fixtures"), Environment.GetEnvironmentVariable("DDM_FIXTURES")];
        return places.Where(Directory.Exists).SelectMany(place => Directory.GetDirectories(place!, prefix + "*")).Order(StringComparer.Ordinal);
    }

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "DdmAspire.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new DirectoryNotFoundException($"No DdmAspire.sln above {AppContext.BaseDirectory}.");
    }
}
