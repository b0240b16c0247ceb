using System.Diagnostics;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>A command under way, as traces and metrics see it.</summary>
internal sealed class CommandActivity(IRunCommand command, Activity? activity, Activity? before) : IDisposable
{
    private readonly long began = Stopwatch.GetTimestamp();

    /// <summary>Links the command to the submission of its run.</summary>
    public void Finish(RunDocument? document)
    {
        if (activity is not null && document?.Trace is { } trace && ActivityContext.TryParse(trace, null, isRemote: true, out var submitted))
        {
            activity.AddLink(new ActivityLink(submitted));
        }
    }

    public void Dispose()
    {
        DdmTelemetry.CommandDuration.Record(Stopwatch.GetElapsedTime(began).TotalSeconds, DdmTelemetry.Command(command));
        activity?.Dispose();
        Activity.Current = before;
    }
}
