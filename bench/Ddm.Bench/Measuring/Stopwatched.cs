using System.Diagnostics;

namespace Ddm.Bench;

/// <summary>Wall-clock seconds.</summary>
internal static class Stopwatched
{
    /// <summary>A round that is timed from outside.</summary>
    public static Func<double> Seconds(Action work) => () =>
    {
        var started = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    };
}
