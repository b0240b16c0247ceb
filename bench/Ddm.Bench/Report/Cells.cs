using System.Globalization;

namespace Ddm.Bench;

/// <summary>Numbers as the tables show them.</summary>
internal static class Cells
{
    /// <summary>1.23 x</summary>
    public static string Ratio(double ratio) => string.Create(CultureInfo.InvariantCulture, $"{ratio:F2} x");

    /// <summary>65.3 %</summary>
    public static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:F1} %");

    /// <summary>1.23 s, 45.6 ms, 7.89 us</summary>
    public static string Seconds(double seconds) => seconds >= 1 ? string.Create(CultureInfo.InvariantCulture, $"{seconds:F2} s")
        : seconds >= 1e-3 ? string.Create(CultureInfo.InvariantCulture, $"{1e3 * seconds:F1} ms")
        : string.Create(CultureInfo.InvariantCulture, $"{1e6 * seconds:F1} us");

    /// <summary>A side's median with its range: 45.6 ms (44.0 ms to 51.2 ms).</summary>
    public static string Times(SideTimes times) => $"{Seconds(times.Median)} ({Seconds(times.Best)} to {Seconds(times.Worst)})";

    /// <summary>123.4 GFLOP/s</summary>
    public static string FlopRate(double flopsPerSecond) => string.Create(CultureInfo.InvariantCulture, $"{flopsPerSecond / 1e9:F0} GFLOP/s");

    /// <summary>12.3 MB</summary>
    public static string Megabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:F1} MB");

    /// <summary>1,234</summary>
    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);
}
