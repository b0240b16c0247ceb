namespace Ddm.Tests;

/// <summary>
/// Folders of inputs and outputs of reference implementations: under tests/fixtures, and under the folder that $DDM_FIXTURES names. A folder's kind is the
/// start of its name: sit, kmeans, scheduler, metrics.
/// </summary>
internal static class FixtureFolders
{
    private const string Variable = "DDM_FIXTURES";

    /// <summary>Every folder of one kind, each a row of a theory whose test's name carries the folder's.</summary>
    /// <exception cref="DirectoryNotFoundException">There is none: a parity test without a case would pass by saying nothing.</exception>
    public static TheoryData<string> OfKind(string kind)
    {
        var folders = Roots()
            .SelectMany(root => Directory.GetDirectories(root.Path, kind + "*").Order(StringComparer.Ordinal).Select(path => (Path: path, Label: root.Label + Path.GetFileName(path))))
            .ToArray();
        if (folders.Length == 0)
        {
            throw new DirectoryNotFoundException($"No fixture folder '{kind}*' in {string.Join(" or ", Roots().Select(root => root.Path))}.");
        }

        var data = new TheoryData<string>();
        foreach (var (path, label) in folders)
        {
            data.Add(new TheoryDataRow<string>(path) { Label = label });
        }

        return data;
    }

    /// <summary>The folder of the fixtures that every clone has.</summary>
    public static string InRepository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "DdmAspire.sln")))
        {
            folder = folder.Parent;
        }

        return folder is null
            ? throw new DirectoryNotFoundException($"No DdmAspire.sln above {AppContext.BaseDirectory}.")
            : Path.Combine(folder.FullName, "tests", "fixtures");
    }

    private static IEnumerable<(string Path, string Label)> Roots()
    {
        yield return (InRepository(), "");
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } folder)
        {
            yield return Directory.Exists(folder)
                ? (folder, $"{Variable}/")
                : throw new DirectoryNotFoundException($"${Variable} names '{folder}', which is no folder.");
        }
    }
}
