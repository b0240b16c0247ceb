using System.Text.RegularExpressions;

namespace Ddm.Tests;

/// <summary>The metrics that docs/observability.md lists.</summary>
internal static partial class Metrics
{
    /// <summary>Each by OpenTelemetry's name and by Prometheus', and whether a run on processors without faults has it.</summary>
    public static IReadOnlyList<(string Name, string Prometheus, bool IsAlways)> Documented { get; } = Read();

    private static List<(string, string, bool)> Read()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "DdmAspire.sln")))
        {
            folder = folder.Parent;
        }

        var text = File.ReadAllText(Path.Combine(folder.FullName, "docs", "observability.md"));
        return [.. Row().Matches(text).Select(match => (match.Groups[1].Value, match.Groups[2].Value, !match.Groups[3].Value.Contains("GPU", StringComparison.Ordinal)))];
    }

    [GeneratedRegex(@"^\| `(ddm\.[a-z_.]+)` \| `(ddm_[a-z_]+)` \|(.*)$", RegexOptions.Multiline)]
    private static partial Regex Row();
}
