namespace Ddm.Services;

/// <summary>What a verification found.</summary>
/// <param name="Run">The run.</param>
/// <param name="Seed">Draws the same slices again.</param>
/// <param name="Roles">The walks, a role each.</param>
/// <param name="Slices">The slices that were made again.</param>
/// <param name="Candidates">The slices that could have been made again here, those included.</param>
/// <param name="NotReplayable">Slices that could not be made again here, by reason.</param>
/// <param name="Model">What is wrong with the model that was published from the run; empty also where there is none.</param>
public sealed record VerificationReport(
    string Run, long Seed, IReadOnlyList<RoleVerification> Roles, IReadOnlyList<SliceVerification> Slices, int Candidates,
    IReadOnlyList<NotReplayable> NotReplayable, IReadOnlyList<string> Model)
{
    /// <summary>Whether nothing is wrong.</summary>
    public bool Good => Roles.All(role => role.Faults.Count == 0) && Slices.All(slice => slice.Faults.Count == 0) && Model.Count == 0;
}

/// <summary>The walk down one role's chain.</summary>
/// <param name="Role">Its path.</param>
/// <param name="Step">Where its head stands; 0 before the first commit.</param>
/// <param name="Checkpoints">Links from the head to the first checkpoint.</param>
/// <param name="Whole">Those of them whose every byte is kept and was read.</param>
/// <param name="Faults">What is wrong; empty: nothing.</param>
public sealed record RoleVerification(string Role, long Step, int Checkpoints, int Whole, IReadOnlyList<string> Faults);

/// <summary>One slice, made again.</summary>
/// <param name="Role">Path of its role.</param>
/// <param name="FromStep">Steps of what it started from.</param>
/// <param name="Step">Steps of what it committed.</param>
/// <param name="Faults">What came out otherwise than was committed; empty: the same bits.</param>
/// <param name="NotRun">Why it could not be made again after all; null where it was.</param>
public sealed record SliceVerification(string Role, long FromStep, long Step, IReadOnlyList<string> Faults, string? NotRun = null);

/// <summary>Slices that cannot be made again here.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Slices">How many.</param>
public sealed record NotReplayable(string Reason, int Slices);
