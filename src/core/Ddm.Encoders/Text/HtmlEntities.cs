using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using AngleSharp.Html;

namespace Ddm.Encoders;

/// <summary>Python's <c>html.unescape</c>: HTML 5's rules for character references, those without a semicolon too.</summary>
internal static partial class HtmlEntities
{
    /// <summary>One layer of references, as a browser reads them.</summary>
    public static string Unescape(string text) => text.Contains('&', StringComparison.Ordinal) ? Reference().Replace(text, match => Replace(match.Groups[1].Value)) : text;

    /// <summary>One layer of references that end in a semicolon.</summary>
    public static string UnescapeClosed(string text) => text.Contains('&', StringComparison.Ordinal) ? Closed().Replace(text, match => Replace(match.Groups[1].Value)) : text;

    private static string Replace(string reference)
    {
        if (reference[0] == '#')
        {
            return Number(reference);
        }

        for (var length = reference.Length; length > 1; length--)
        {
            if (HtmlEntityProvider.Resolver.GetSymbol(reference[..length]) is { } symbol)
            {
                return symbol + reference[length..];
            }
        }

        return "&" + reference;
    }

    private static string Number(string reference)
    {
        var digits = reference.TrimEnd(';')[1..];
        var hex = digits[0] is 'x' or 'X';
        if (!long.TryParse(hex ? digits[1..] : digits, hex ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out var code))
        {
            code = long.MaxValue; // more digits than any character has
        }

        return code switch
        {
            >= 0x80 and <= 0x9F => Windows1252.High[(int)code - 0x80].ToString(),
            0 or > 0x10FFFF or (>= 0xD800 and <= 0xDFFF) => "\uFFFD",
            (>= 1 and <= 8) or 0xB or (>= 0xE and <= 0x1F) or 0x7F or (>= 0xFDD0 and <= 0xFDEF) => "",
            _ when (code & 0xFFFE) == 0xFFFE => "",
            _ => new Rune((int)code).ToString(),
        };
    }

    [GeneratedRegex(@"&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)")]
    private static partial Regex Reference();

    [GeneratedRegex(@"&(#[0-9]{1,24};|#[xX][0-9a-fA-F]{1,24};|[0-9A-Za-z]{1,24};)")]
    private static partial Regex Closed();
}
