using System.Globalization;

namespace Ddm.Cli;

/// <summary>How fast images are ingested, since the first report of this process, and how long the rest will take.</summary>
internal sealed class IngestRate(TimeProvider time)
{
    private (long Done, long At)? first;

    /// <summary>Images a second and the time left; none before there are two reports.</summary>
    public (double? Rate, TimeSpan? Left) Next(long done, long total)
    {
        first ??= (done, time.GetTimestamp());
        var seconds = time.GetElapsedTime(first.Value.At).TotalSeconds;
        var images = done - first.Value.Done;
        return images > 0 && seconds > 0 ? (images / seconds, TimeSpan.FromSeconds((total - done) * seconds / images)) : (null, null);
    }

    /// <summary>As people read it.</summary>
    public string Text(long done, long total)
    {
        var (rate, left) = Next(done, total);
        var speed = rate is null ? "" : string.Create(CultureInfo.InvariantCulture, $", {rate:N0} images/s, about {TrainingText.Span(left!.Value)} left");
        return string.Create(CultureInfo.InvariantCulture, $"Ingest: {done:N0}/{total:N0} images{speed}");
    }
}
