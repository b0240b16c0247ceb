using Ddm.Runs;

namespace Ddm.Services;

/// <summary>How far a role is.</summary>
/// <param name="Role">Which role.</param>
/// <param name="Step">Steps done, committed or not.</param>
/// <param name="Target">Steps asked for.</param>
/// <param name="ImagesPerSecond">Rate of this slice.</param>
/// <param name="Loss">Mean training loss of the latest steps; null before the first.</param>
/// <param name="CommittedStep">Step of the last commit.</param>
/// <param name="CommittedAt">When that was; null: never.</param>
/// <param name="Active">True while a slice of the role runs.</param>
public sealed record TrainingProgress(
    Role Role, long Step, long Target, double ImagesPerSecond, double? Loss, long CommittedStep, DateTimeOffset? CommittedAt, bool Active);
