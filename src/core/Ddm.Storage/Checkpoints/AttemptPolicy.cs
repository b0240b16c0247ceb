namespace Ddm.Storage;

/// <summary>When claims that end without a commit are one too many, and how long the next must wait.</summary>
/// <param name="Most">Consecutive claims without a commit from which a role counts as poison.</param>
/// <param name="Hosts">Machines that must have been among them: one bad machine is no bad role. Where there are fewer, three times as many claims decide.</param>
/// <param name="BackOff">Wait before the third claim in a row; each further one doubles it. Zero: none.</param>
/// <param name="LongestBackOff">Where the doubling ends.</param>
public sealed record AttemptPolicy(int Most, int Hosts, TimeSpan BackOff, TimeSpan LongestBackOff)
{
    private const int MostDoublings = 20, TimesOnFewerHosts = 3;

    /// <summary>Claims are counted and nothing follows from it.</summary>
    public static AttemptPolicy None { get; } = new(int.MaxValue, int.MaxValue, TimeSpan.Zero, TimeSpan.Zero);

    /// <summary>Whether a head's claims without a commit make its role poison.</summary>
    public bool IsPoison(RoleHead head) => head.Attempts >= Most && ((head.Tried?.Count ?? 0) >= Hosts || head.Attempts / TimesOnFewerHosts >= Most);

    /// <summary>How long the claim after the n-th in a row must wait. The first failure may be the machine's: its successor need not.</summary>
    internal TimeSpan After(int attempts) => attempts < 2 || BackOff == TimeSpan.Zero
        ? TimeSpan.Zero
        : TimeSpan.FromTicks(Math.Min(BackOff.Ticks << Math.Min(attempts - 2, MostDoublings), LongestBackOff.Ticks));
}
