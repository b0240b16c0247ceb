namespace Ddm.Services;

/// <summary>How long a command is tried where the store or the broker is the trouble.</summary>
/// <param name="Endless">False: a few times, then the run fails and the person who waits for it is told. True: as long as the process lives.</param>
/// <param name="HandBackAfter">A command that is not done by then is sent anew and acknowledged, before the broker takes it away: well below its acknowledgement timeout.</param>
/// <param name="FirstDelay">Pause after the first failure; it doubles up to <paramref name="LongestDelay"/>.</param>
/// <param name="LongestDelay">Longest pause.</param>
public sealed record CommandPatience(bool Endless, TimeSpan HandBackAfter, TimeSpan FirstDelay, TimeSpan LongestDelay)
{
    /// <summary>Of one process that a person waits for.</summary>
    public static CommandPatience Attended { get; } = new(false, Timeout.InfiniteTimeSpan, TimeSpan.Zero, TimeSpan.Zero);

    /// <summary>Of a service.</summary>
    public static CommandPatience Unattended(WorkerSettings settings)
        => new(true, settings.LongestMessage, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));

    /// <summary>Whether a command that has been tried for so long goes back to its queue.</summary>
    public bool IsOver(TimeSpan tried) => HandBackAfter != Timeout.InfiniteTimeSpan && tried >= HandBackAfter;

    /// <summary>The pause after the <paramref name="failures"/>-th failure, 1-based.</summary>
    public TimeSpan DelayAfter(int failures)
    {
        var doubled = FirstDelay * Math.Pow(2, Math.Min(failures - 1, 30));
        return doubled < LongestDelay ? doubled : LongestDelay;
    }
}
