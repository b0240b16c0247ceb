using System.Globalization;
using System.Text;

namespace Ddm.Encoders;

/// <summary>
/// Unicode's canonical composition (NFC; Unicode Standard Annex 15). The runtime's own does nothing where globalisation is invariant, as it must be on machines without ICU.
/// </summary>
internal static class CanonicalComposition
{
    // Hangul's syllables follow a rule (The Unicode Standard, section 3.12).
    private const int SyllableBase = 0xAC00, LeadBase = 0x1100, VowelBase = 0x1161, TailBase = 0x11A7, Leads = 19, Vowels = 21, Tails = 28, Syllables = Leads * Vowels * Tails;

    private static readonly Dictionary<int, int[]> Decompositions = [];
    private static readonly Dictionary<(int, int), int> Compositions = [];
    private static readonly Dictionary<int, int> Classes = [];

    static CanonicalComposition()
    {
        using var stream = typeof(CanonicalComposition).Assembly.GetManifestResourceStream("canonical.txt")!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#'))
            {
                continue;
            }

            var mark = line.AsSpan().IndexOfAny(":=!");
            var code = Hex(line.AsSpan(0, mark));
            if (line[mark] == ':')
            {
                Classes[code] = int.Parse(line.AsSpan(mark + 1), NumberStyles.None, CultureInfo.InvariantCulture);
                continue;
            }

            var parts = Array.ConvertAll(line[(mark + 1)..].Split(' '), part => Hex(part));
            Decompositions[code] = parts;
            if (line[mark] == '=')
            {
                Compositions[(parts[0], parts[1])] = code;
            }
        }
    }

    /// <summary>The text in NFC.</summary>
    public static string Compose(string text)
    {
        if (text.All(c => c < 0x0300))
        {
            return text; // neither combines nor decomposes
        }

        var codes = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            Decompose(rune.Value, codes);
        }

        Order(codes);
        Join(codes);
        var result = new StringBuilder(codes.Count);
        foreach (var code in codes)
        {
            result.Append(new Rune(code).ToString());
        }

        return result.ToString();
    }

    private static int Hex(ReadOnlySpan<char> text) => int.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static int ClassOf(int code) => Classes.GetValueOrDefault(code);

    private static void Decompose(int code, List<int> into)
    {
        var syllable = code - SyllableBase;
        if (syllable is >= 0 and < Syllables)
        {
            into.Add(LeadBase + (syllable / (Vowels * Tails)));
            into.Add(VowelBase + (syllable % (Vowels * Tails) / Tails));
            if (syllable % Tails != 0)
            {
                into.Add(TailBase + (syllable % Tails));
            }
        }
        else if (Decompositions.TryGetValue(code, out var parts))
        {
            Array.ForEach(parts, part => Decompose(part, into));
        }
        else
        {
            into.Add(code);
        }
    }

    // Marks by class, those of one class as they came.
    private static void Order(List<int> codes)
    {
        for (var i = 1; i < codes.Count; i++)
        {
            for (var j = i; j > 0 && ClassOf(codes[j]) != 0 && ClassOf(codes[j - 1]) > ClassOf(codes[j]); j--)
            {
                (codes[j], codes[j - 1]) = (codes[j - 1], codes[j]);
            }
        }
    }

    private static void Join(List<int> codes)
    {
        var (starter, kept, last) = (-1, 0, 0);
        foreach (var code in codes.ToArray())
        {
            var present = ClassOf(code);
            var free = starter >= 0 && (last < present || (last == 0 && starter == kept - 1));
            if (free && Pair(codes[starter], code) is { } joined)
            {
                codes[starter] = joined;
                continue;
            }

            if (present == 0)
            {
                starter = kept;
            }

            last = present;
            codes[kept++] = code;
        }

        codes.RemoveRange(kept, codes.Count - kept);
    }

    private static int? Pair(int first, int second)
    {
        if (first - LeadBase is >= 0 and < Leads and var lead && second - VowelBase is >= 0 and < Vowels and var vowel)
        {
            return SyllableBase + (((lead * Vowels) + vowel) * Tails);
        }

        if (first - SyllableBase is >= 0 and < Syllables and var syllable && syllable % Tails == 0 && second - TailBase is > 0 and < Tails and var tail)
        {
            return first + tail;
        }

        return Compositions.TryGetValue((first, second), out var composed) ? composed : null;
    }
}
