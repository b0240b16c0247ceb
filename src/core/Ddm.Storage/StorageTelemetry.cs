using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Ddm.Storage;

/// <summary>How long commits take, and how many were refused; each is a span of the slice that makes it.</summary>
public static class StorageTelemetry
{
    private const string Name = "Ddm";
    private static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);
    private static readonly Histogram<double> CommitDuration = Meter.CreateHistogram<double>("ddm.commit.duration", "s", "Upload of a checkpoint and the move of its head");
    private static readonly Counter<long> FencedCommits = Meter.CreateCounter<long>("ddm.commits.fenced", "{commit}", "Commits of workers that had lost their role");

    /// <summary>Reports fenced commits as none from the start.</summary>
    public static void Announce() => FencedCommits.Add(0);

    /// <summary>Does a commit and measures it.</summary>
    internal static async Task<CommitOutcome> MeasureAsync(RoleClaim claim, long step, Func<Task<CommitOutcome>> commit)
    {
        using var activity = Source.StartActivity("Commit");
        activity?.SetTag("ddm.run", claim.Run).SetTag("ddm.role", claim.Role.Path).SetTag("ddm.step", step).SetTag("ddm.epoch", claim.Epoch);
        var began = Stopwatch.GetTimestamp();
        var outcome = await commit();
        if (outcome is CommitOutcome.Fenced)
        {
            FencedCommits.Add(1);
            activity?.SetStatus(ActivityStatusCode.Error, "fenced");
        }
        else
        {
            CommitDuration.Record(Stopwatch.GetElapsedTime(began).TotalSeconds);
        }

        return outcome;
    }
}
