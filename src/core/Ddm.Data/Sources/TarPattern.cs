using System.Globalization;
using System.Text.RegularExpressions;
using Ddm.Runs;

namespace Ddm.Data;

/// <summary>Names of many shards in one: <c>name-{000000..000009}.tar</c> and <c>name-{a,b}.tar</c>, as WebDataset and the shell write them.</summary>
internal static partial class TarPattern
{
    private const int MostFiles = 100_000;

    /// <summary>Whether a path holds braces to expand.</summary>
    public static bool IsPattern(string path) => Braces().IsMatch(path);

    /// <summary>The full paths a pattern stands for, in order.</summary>
    /// <exception cref="UserErrorException">They are too many.</exception>
    public static List<string> Expand(string pattern)
    {
        List<string> paths = [pattern];
        while (IsPattern(paths[0]))
        {
            if (paths.Sum(path => Count(Braces().Match(path))) > MostFiles)
            {
                throw new UserErrorException(string.Create(CultureInfo.InvariantCulture, $"data.source '{pattern}' stands for more than {MostFiles:N0} files."));
            }

            paths = [.. paths.SelectMany(path => Choices(Braces().Match(path)).Select(choice => Braces().Replace(path, choice, 1)))];
        }

        return [.. paths.Select(Path.GetFullPath)]; // a choice may be ".."
    }

    private static long Count(Match braces) => braces.Groups[1].Success ? Math.Abs(Last(braces) - First(braces)) + 1 : Choices(braces).Count();

    private static IEnumerable<string> Choices(Match braces)
    {
        if (!braces.Groups[1].Success)
        {
            return braces.Groups[3].Value.Split(',');
        }

        var (first, last, digits) = (First(braces), Last(braces), braces.Groups[1].Value.StartsWith('0') ? braces.Groups[1].Length : 1);
        return Enumerable.Range(0, (int)Math.Abs(last - first) + 1)
            .Select(i => (first + (first <= last ? i : -i)).ToString(CultureInfo.InvariantCulture).PadLeft(digits, '0'));
    }

    private static long First(Match braces) => long.Parse(braces.Groups[1].Value, CultureInfo.InvariantCulture);

    private static long Last(Match braces) => long.Parse(braces.Groups[2].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\{(?:([0-9]{1,9})\.\.([0-9]{1,9})|([^{}]*,[^{}]*))\}")]
    private static partial Regex Braces();
}
