using System.Globalization;
using System.Text;

namespace Ddm.Runs;

/// <summary>Text from outside, made fit for a terminal and a log line.</summary>
internal static class Printable
{
    private const int MostCharacters = 80;

    /// <summary>The text with control, format and broken characters escaped, cut to 80 characters or to <paramref name="most"/>.</summary>
    public static string Text(string text, int most = MostCharacters)
    {
        var printable = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (printable.Length >= most)
            {
                return printable.Append("...").ToString();
            }

            var hidden = Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned;
            printable.Append(hidden ? FormattableString.Invariant($"\\u{{{rune.Value:x}}}") : rune.ToString());
        }

        return printable.ToString();
    }
}
