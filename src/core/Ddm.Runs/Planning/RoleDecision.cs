namespace Ddm.Runs;

/// <summary>What a run has decided about one role.</summary>
/// <param name="Role"><see cref="Ddm.Runs.Role.Path"/>.</param>
/// <param name="TargetSteps">Steps after which it is complete.</param>
/// <param name="Status">Where it stands.</param>
/// <param name="Failure">Why it failed; null otherwise.</param>
public sealed record RoleDecision(string Role, int TargetSteps, RoleStatus Status, string? Failure = null);
