using System.Globalization;
using Ddm.Services;

namespace Ddm.Cli;

/// <summary>How training figures are written for people.</summary>
internal static class TrainingText
{
    public static string Line(TrainingProgress p) => string.Create(
        CultureInfo.InvariantCulture,
        $"{p.Role}: step {p.Step}/{p.Target}, {Rate(p)} images/s, loss {Loss(p)}, {(p.Active ? "training" : "committed")}");

    public static string Rate(TrainingProgress p) => p.ImagesPerSecond > 0 ? p.ImagesPerSecond.ToString("F0", CultureInfo.InvariantCulture) : "-";

    public static string Loss(TrainingProgress p) => p.Loss?.ToString("F4", CultureInfo.InvariantCulture) ?? "-";

    /// <summary>A span as a person says it: 45 s, 3 min 10 s, 2 h 5 min.</summary>
    public static string Span(TimeSpan span) => span.TotalSeconds < 60 ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:F0} s")
        : span.TotalMinutes < 60 ? string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalMinutes} min {span.Seconds} s")
        : string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalHours} h {span.Minutes} min");
}
