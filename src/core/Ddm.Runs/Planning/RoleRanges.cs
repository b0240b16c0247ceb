using System.Globalization;
using System.Text.Json;

namespace Ddm.Runs;

/// <summary>A set of roles as a short text: <c>experts/0-3,7 router</c>. Keeps a document of 1024 experts small.</summary>
internal static class RoleRanges
{
    private const string Experts = "experts/";

    /// <summary>Experts that a text may name: a bound on what a damaged document can make us allocate.</summary>
    private const int MostExperts = 4096;

    public static string Format(IEnumerable<Role> roles)
    {
        var sorted = roles.OrderBy(role => role.Kind).ThenBy(role => role.Index).ToList();
        var words = new List<string>();
        var ranges = new List<(int First, int Last)>();
        foreach (var role in sorted.Where(role => role.Kind == RoleKind.Expert))
        {
            if (ranges.Count > 0 && ranges[^1].Last + 1 == role.Index)
            {
                ranges[^1] = (ranges[^1].First, role.Index);
            }
            else
            {
                ranges.Add((role.Index, role.Index));
            }
        }

        if (ranges.Count > 0)
        {
            words.Add(Experts + string.Join(',', ranges.Select(Text)));
        }

        words.AddRange(sorted.Where(role => role.Kind != RoleKind.Expert).Select(role => role.Path));
        return string.Join(' ', words);
    }

    /// <summary>Reads <see cref="Format"/> back.</summary>
    /// <exception cref="JsonException">The text is no such set.</exception>
    public static IEnumerable<Role> Parse(string text)
    {
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!word.StartsWith(Experts, StringComparison.Ordinal))
            {
                yield return Other(word);
                continue;
            }

            foreach (var range in word[Experts.Length..].Split(','))
            {
                var (first, last) = Ends(range);
                for (var k = first; k <= last; k++)
                {
                    yield return Role.Expert(k);
                }
            }
        }
    }

    private static string Text((int First, int Last) range) => range.First == range.Last
        ? range.First.ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{range.First}-{range.Last}");

    private static Role Other(string word) => word is "router" or "student"
        ? Role.Parse(word)
        : throw new JsonException($"'{word}' names no role: expected experts/0-3,7 or router or student.");

    private static (int First, int Last) Ends(string range)
    {
        var dash = range.IndexOf('-', StringComparison.Ordinal);
        var first = dash < 0 ? range : range[..dash];
        var last = dash < 0 ? range : range[(dash + 1)..];
        return int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var from)
            && int.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out var to)
            && from <= to && to < MostExperts
            ? (from, to)
            : throw new JsonException($"'{range}' is no range of experts: expected for instance 0-3, below {MostExperts}.");
    }
}
