using Ddm.Runs;
using Ddm.Tests;

namespace Ddm.Chaos.Tests;

/// <summary>What a process did under one claim of a role, as its log says.</summary>
internal sealed class TrainedClaim(ServiceProcess process, Role role, long epoch, DateTimeOffset from)
{
    public ServiceProcess Process => process;

    public Role Role => role;

    public long Epoch => epoch;

    public DateTimeOffset From { get; } = from;

    /// <summary>When the process claimed something else.</summary>
    public DateTimeOffset Until { get; private set; } = DateTimeOffset.MaxValue;

    /// <summary>Whether the process claimed nothing after it.</summary>
    public bool IsLast { get; private set; } = true;

    /// <summary>Every step that was made.</summary>
    public List<long> Steps { get; } = [];

    /// <summary>Every step that was committed.</summary>
    public List<long> Commits { get; } = [];

    /// <summary>Most steps that were made while a commit was under way.</summary>
    public long Beside { get; private set; }

    /// <summary>Made, and on no way to the final head.</summary>
    public int Wasted { get; set; }

    /// <summary>When it last committed.</summary>
    public DateTimeOffset? LastCommit { get; private set; }

    /// <summary>A step was committed.</summary>
    public void Commit(long step, DateTimeOffset at)
    {
        Commits.Add(step);
        LastCommit = at;
        Beside = Math.Max(Beside, Steps.Count > 0 ? Steps[^1] - step : 0);
    }

    /// <summary>The process claims something else.</summary>
    public void End(DateTimeOffset at) => (Until, IsLast) = (at, false);

    public override string ToString() => string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"{Supervisor.Name(process)}, {role} at epoch {epoch}, {From:HH:mm:ss.fff} to {(IsLast ? "its end" : Until.ToString("HH:mm:ss.fff", System.Globalization.CultureInfo.InvariantCulture))}: {Steps.Count} steps made, {Wasted} of them for nothing, committed at [{string.Join(", ", Commits)}]");
}
