using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Ddm.Storage;

/// <summary>How long commits take, and how many were refused.</summary>
internal static class StorageTelemetry
{
    private static readonly Meter Meter = new("Ddm");
    private static readonly Histogram<double> CommitDuration = Meter.CreateHistogram<double>("ddm.commit.duration", "s", "Upload of a checkpoint and the move of its head");
    private static readonly Counter<long> FencedCommits = Meter.CreateCounter<long>("ddm.commits.fenced", "{commit}", "Commits of workers that had lost their role");

    /// <summary>Does a commit and measures it.</summary>
    public static async Task<CommitOutcome> MeasureAsync(Func<Task<CommitOutcome>> commit)
    {
        var began = Stopwatch.GetTimestamp();
        var outcome = await commit();
        if (outcome is CommitOutcome.Fenced)
        {
            FencedCommits.Add(1);
        }
        else
        {
            CommitDuration.Record(Stopwatch.GetElapsedTime(began).TotalSeconds);
        }

        return outcome;
    }
}
