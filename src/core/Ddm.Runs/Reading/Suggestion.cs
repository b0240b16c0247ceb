namespace Ddm.Runs;

/// <summary>What somebody who mistyped a word may have meant.</summary>
internal static class Suggestion
{
    /// <summary><c>; did you mean 'x'?</c>, or what is known when nothing is near.</summary>
    public static string For(string word, IReadOnlyCollection<string> known, string what) => Nearest(word, known) is { } near
        ? $"; did you mean '{near}'?"
        : $"; {what}: {string.Join(", ", known)}";

    /// <summary>The nearest of the known words, if it is near: at most a third of the letters wrong. Case and the kind of dash do not count.</summary>
    public static string? Nearest(string word, IEnumerable<string> known)
    {
        if (word.Length > 64)
        {
            return null;
        }

        var plain = Plain(word);
        var best = known
            .Select(candidate => (Word: candidate, Distance: Distance(plain, Plain(candidate))))
            .MinBy(pair => pair.Distance);
        return best.Word is not null && best.Distance <= Math.Max(1, Math.Max(plain.Length, best.Word.Length) / 3) && best.Distance < plain.Length
            ? best.Word
            : null;
    }

    /// <summary>Damerau-Levenshtein distance, restricted: insertions, deletions, substitutions and swaps of neighbours.</summary>
    internal static int Distance(string a, string b)
    {
        var costs = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    costs[i, j] = i + j;
                    continue;
                }

                var change = a[i - 1] == b[j - 1] ? 0 : 1;
                costs[i, j] = Math.Min(Math.Min(costs[i - 1, j] + 1, costs[i, j - 1] + 1), costs[i - 1, j - 1] + change);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    costs[i, j] = Math.Min(costs[i, j], costs[i - 2, j - 2] + 1);
                }
            }
        }

        return costs[a.Length, b.Length];
    }

    private static string Plain(string word) => word.ToLowerInvariant().Replace('-', '_');
}
