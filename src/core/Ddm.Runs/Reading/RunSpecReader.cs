namespace Ddm.Runs;

/// <summary>Reads run specs.</summary>
public static class RunSpecReader
{
    /// <summary>Reads.</summary>
    public static RunSpec Read(string yaml, string fileName) => throw new UserErrorException(fileName + yaml);

    /// <summary>Canonical.</summary>
    public static string Canonical(RunSpec spec) => spec.Name;

    /// <summary>Differences.</summary>
    public static IReadOnlyList<string> Differences(RunSpec submitted, RunSpec asked) => [submitted.Name, asked.Name];
}
