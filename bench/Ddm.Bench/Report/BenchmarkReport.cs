using System.Text;

namespace Ddm.Bench;

/// <summary>docs/benchmarks.md: a section a benchmark, each with the machine and the hour it was measured in, so that one may be measured anew alone.</summary>
/// <param name="path">The file.</param>
internal sealed class BenchmarkReport(string path)
{
    private const string Heading = """
        # Benchmarks

        Written by `bench/run.sh`; `bench/run.sh NAME` measures one section anew. The sides of a comparison took turns in one sitting. Ratios are medians of the rounds' ratios: machines
        differ and are noisy, so read these before the seconds.

        """;

    /// <summary>The file.</summary>
    public string Path => path;

    /// <summary>Puts a section in the place of the benchmark's earlier one.</summary>
    public void Replace(Benchmark benchmark, Section section)
    {
        var sections = File.Exists(path) ? Split(File.ReadAllText(path)) : [];
        sections[benchmark.Name] = $"## {benchmark.Title}\n\n{Body(section)}\n`bench/run.sh {benchmark.Name}` on {MachineFacts.Describe()}\n";
        var text = new StringBuilder(Heading);
        foreach (var name in AllBenchmarks.List.Select(known => known.Name).Where(sections.ContainsKey))
        {
            text.Append('\n').Append(Mark(name)).Append('\n').Append(sections[name].Trim('\n')).Append('\n');
        }

        File.WriteAllText(path, text.ToString());
    }

    /// <summary>A section without heading and machine.</summary>
    public static string Body(Section section)
    {
        var text = new StringBuilder(section.Measured.Trim()).Append("\n\n");
        text.Append(Row(section.Columns)).Append(Row([.. section.Columns.Select(_ => "---")]));
        foreach (var row in section.Rows)
        {
            text.Append(Row(row));
        }

        foreach (var target in section.Targets)
        {
            text.Append(target == section.Targets[0] ? "\n" : "").Append($"- {(target.Met ? "met" : "**missed**")}: {target.What}: {target.Found}\n");
        }

        return text.ToString();
    }

    private static string Row(IReadOnlyList<string> cells) => $"| {string.Join(" | ", cells)} |\n";

    private static string Mark(string name) => $"<!-- benchmark: {name} -->";

    private static Dictionary<string, string> Split(string text)
    {
        var sections = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var piece in text.Split("<!-- benchmark: ").Skip(1))
        {
            var end = piece.IndexOf(" -->", StringComparison.Ordinal);
            sections[piece[..end]] = piece[(end + " -->".Length)..];
        }

        return sections;
    }
}
