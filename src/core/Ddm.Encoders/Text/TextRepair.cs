using System.Text;
using System.Text.RegularExpressions;

namespace Ddm.Encoders;

/// <summary>
/// What CLIP's tokenizer does to a text first: ftfy's repairs (https://github.com/rspeer/python-ftfy, as far as captions need them: escaped entities, terminal escapes, UTF-8 read as
/// Windows-1252 or Latin-1 as a whole, ligatures, widths, quotes, control characters, NFC), then entities twice, white space and Python's lower case.
/// </summary>
internal static partial class TextRepair
{
    private const string Katakana = "・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン\u3099\u309A"; // U+FF65 to U+FF9F
    private const string Symbols = "\u2985\u2986。「」、"; // U+FF5F to U+FF64

    private static readonly Dictionary<char, string> Ligatures = new()
    {
        ['Ĳ'] = "IJ", ['ĳ'] = "ij", ['ŉ'] = "ʼn", ['Ǳ'] = "DZ", ['ǲ'] = "Dz", ['ǳ'] = "dz", ['Ǆ'] = "DŽ", ['ǅ'] = "Dž", ['ǆ'] = "dž", ['Ǉ'] = "LJ", ['ǈ'] = "Lj", ['ǉ'] = "lj",
        ['Ǌ'] = "NJ", ['ǋ'] = "Nj", ['ǌ'] = "nj", ['ﬀ'] = "ff", ['ﬁ'] = "fi", ['ﬂ'] = "fl", ['ﬃ'] = "ffi", ['ﬄ'] = "ffl", ['ﬅ'] = "ſt", ['ﬆ'] = "st",
    };

    /// <summary>All of it.</summary>
    /// <param name="text">A caption.</param>
    /// <param name="ftfy">False leaves ftfy's repairs out, as programs do where it is not installed.</param>
    public static string Clean(string text, bool ftfy = true)
    {
        text = ftfy ? Fix(text) : text;
        text = HtmlEntities.Unescape(HtmlEntities.Unescape(text));
        return Lower(Spaces().Replace(text, " ").Trim(' '));
    }

    private static string Fix(string text)
    {
        for (var rounds = 0; rounds < 8; rounds++) // each undoes one layer of harm
        {
            var before = text;
            text = text.Contains('<', StringComparison.Ordinal) ? text : HtmlEntities.UnescapeClosed(text);
            text = TerminalEscape().Replace(text, "");
            text = Redecode(text);
            text = Characters(text);
            text = CanonicalComposition.Compose(text);
            if (text == before)
            {
                break;
            }
        }

        return text;
    }

    private static string Characters(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            if (Ligatures.TryGetValue(c, out var letters))
            {
                result.Append(letters);
                continue;
            }

            char? kept = c switch
            {
                >= '\uFF01' and <= '\uFF5E' => (char)(c - 0xFEE0),
                >= '\uFF5F' and <= '\uFF64' => Symbols[c - 0xFF5F],
                >= '\uFF65' and <= '\uFF9F' => Katakana[c - 0xFF65],
                '\u3000' => ' ',
                '\u02BC' or (>= '\u2018' and <= '\u201B') => '\'',
                >= '\u201C' and <= '\u201F' => '"',
                '\r' or '\u2028' or '\u2029' or '\u0085' => '\n',
                < '\u0009' or '\u000B' or (>= '\u000E' and <= '\u001F') or '\u007F' or (>= '\u206A' and <= '\u206F') or '\uFEFF' or (>= '\uFFF9' and <= '\uFFFC') => null,
                _ => c,
            };
            if (kept is { } one)
            {
                result.Append(one);
            }
        }

        return result.ToString();
    }

    // Text whose every character is a byte of Windows-1252, and whose bytes are UTF-8 with something else than ASCII in it, was read with the wrong table.
    private static string Redecode(string text)
    {
        if (text.All(char.IsAscii))
        {
            return text;
        }

        var bytes = new byte[text.Length];
        for (var i = 0; i < text.Length; i++)
        {
            var at = text[i] < 0x100 ? text[i] : Windows1252.High.IndexOf(text[i], StringComparison.Ordinal) is var index and >= 0 ? 0x80 + index : -1;
            if (at < 0)
            {
                return text;
            }

            bytes[i] = (byte)at;
        }

        try
        {
            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return text;
        }
    }

    // Python's str.lower: the dotted capital I keeps its dot, and a sigma that ends a word is a final one.
    private static string Lower(string text)
    {
        var runes = text.EnumerateRunes().ToArray();
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < runes.Length; i++)
        {
            result.Append(runes[i].Value switch
            {
                0x0130 => "i\u0307",
                0x03A3 => EndsWord(runes, i) ? "ς" : "σ",
                _ => Rune.ToLowerInvariant(runes[i]).ToString(),
            });
        }

        return result.ToString();
    }

    private static bool EndsWord(Rune[] runes, int at)
    {
        var (before, after) = (at - 1, at + 1);
        while (before >= 0 && Ignorable(runes[before]))
        {
            before--;
        }

        while (after < runes.Length && Ignorable(runes[after]))
        {
            after++;
        }

        return before >= 0 && Cased(runes[before]) && (after == runes.Length || !Cased(runes[after]));
    }

    private static bool Cased(Rune rune) => Rune.IsUpper(rune) || Rune.IsLower(rune);

    private static bool Ignorable(Rune rune) => rune.Value is '\'' or '.' or ':' or '^' or '`' or 0xA8 or 0xAD or 0xB7 or 0x2019
        || Rune.GetUnicodeCategory(rune) is System.Globalization.UnicodeCategory.NonSpacingMark or System.Globalization.UnicodeCategory.Format;

    [GeneratedRegex(@"\u001B\[[\d;]*[a-zA-Z]")]
    private static partial Regex TerminalEscape();

    [GeneratedRegex(@"[\s\u001C-\u001F\u0085]+")]
    private static partial Regex Spaces();
}
