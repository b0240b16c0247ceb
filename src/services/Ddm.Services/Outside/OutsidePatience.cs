namespace Ddm.Services;

/// <summary>How long an outside worker waits for what.</summary>
internal static class OutsidePatience
{
    /// <summary>One small question; a renewal stands between two steps and must not hold them up.</summary>
    public static readonly TimeSpan Short = TimeSpan.FromSeconds(15);

    /// <summary>A question whose answer is a matter of the moment.</summary>
    public static readonly TimeSpan Brief = TimeSpan.FromSeconds(5);

    /// <summary>A commit: the control plane reads every part once.</summary>
    public static readonly TimeSpan Commit = TimeSpan.FromMinutes(15);

    /// <summary>A part that goes through the control plane.</summary>
    public static readonly TimeSpan Blob = TimeSpan.FromHours(1);

    /// <summary>The wait for a slice.</summary>
    public static readonly TimeSpan Take = TimeSpan.FromSeconds(25);

    /// <summary>Between two tries to get in touch.</summary>
    public static readonly TimeSpan BetweenJoins = TimeSpan.FromSeconds(3);
}
