using System.Globalization;

namespace Ddm.Evaluation;

/// <summary>How numbers read in a report. Rounded to what a reader can use; an unknown number is a dash.</summary>
internal static class Figures
{
    private const string Unknown = "–";
    private static readonly string[] Prefixes = ["", "k", "M", "G", "T", "P", "E"];

    /// <summary>9,500.</summary>
    public static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>87.3 %.</summary>
    public static string Percent(double share) => double.IsFinite(share) ? string.Create(CultureInfo.InvariantCulture, $"{100 * share:F1} %") : Unknown;

    /// <summary>A number with so many decimals.</summary>
    public static string Decimal(double? value, int decimals = 3)
        => value is { } number && double.IsFinite(number) ? number.ToString("F" + decimals.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture).Replace('-', '−') : Unknown;

    /// <summary>12.3 T.</summary>
    public static string Scaled(double value)
    {
        if (!double.IsFinite(value))
        {
            return Unknown;
        }

        var prefix = 0;
        for (; Math.Abs(value) >= 999.5 && prefix < Prefixes.Length - 1; prefix++)
        {
            value /= 1000;
        }

        var text = value.ToString(Math.Abs(value) >= 99.95 || prefix == 0 ? "F0" : Math.Abs(value) >= 9.995 ? "F1" : "F2", CultureInfo.InvariantCulture);
        return prefix == 0 ? text : $"{text} {Prefixes[prefix]}";
    }

    /// <summary>4 min 07 s.</summary>
    public static string Duration(double seconds)
    {
        if (!double.IsFinite(seconds))
        {
            return Unknown;
        }

        if (seconds < 59.95)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{seconds:F1} s");
        }

        var whole = (long)Math.Round(seconds);
        return whole < 3600
            ? string.Create(CultureInfo.InvariantCulture, $"{whole / 60} min {whole % 60:D2} s")
            : string.Create(CultureInfo.InvariantCulture, $"{whole / 3600} h {whole / 60 % 60:D2} min");
    }
}
