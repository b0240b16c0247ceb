using System.Globalization;

namespace Ddm.Cli;

/// <summary>Bytes as a person reads them: 640 B, 1.5 MB.</summary>
internal static class ByteText
{
    private static readonly string[] Units = ["B", "kB", "MB", "GB", "TB", "PB"];

    public static string Of(long bytes)
    {
        var (value, unit) = ((double)bytes, 0);
        for (; value >= 1000 && unit < Units.Length - 1; unit++)
        {
            value /= 1000;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{value.ToString(unit == 0 || value >= 100 ? "F0" : "F1", CultureInfo.InvariantCulture)} {Units[unit]}");
    }
}
