using System.Globalization;
using Ddm.Services;

namespace Ddm.Cli;

/// <summary>How encoding is written for people.</summary>
internal static class EncodingText
{
    public static string Line(EncodingProgress p) => string.Create(
        CultureInfo.InvariantCulture,
        $"{p.Stage}: {p.Done:N0}/{p.Total:N0} {p.Unit}, {Rate(p.PerSecond)} {p.Unit}/s, encoder busy {p.EncoderBusy * 100:F0} %, about {Left(p)} left");

    private static string Rate(double rate) => rate.ToString(rate < 10 ? "F1" : "N0", CultureInfo.InvariantCulture);

    private static string Left(EncodingProgress p) => TrainingText.Span(TimeSpan.FromSeconds((p.Total - p.Done) / p.PerSecond));
}
