namespace Ddm.Services;

/// <summary>Why a role cannot go on without a person.</summary>
/// <param name="Reason">The whole message.</param>
/// <param name="Step">The last committed step.</param>
/// <param name="At">When it failed.</param>
/// <param name="Epoch">The claim that failed: once the role is claimed anew, what its owner before says of it does not count. Absent in older records, which count.</param>
public sealed record RoleFailure(string Reason, long Step, DateTimeOffset At, long Epoch = long.MaxValue);
