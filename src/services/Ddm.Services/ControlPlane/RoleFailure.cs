namespace Ddm.Services;

/// <summary>Why a role cannot go on without a person.</summary>
/// <param name="Reason">The whole message.</param>
/// <param name="Step">The last committed step.</param>
/// <param name="At">When it failed.</param>
public sealed record RoleFailure(string Reason, long Step, DateTimeOffset At);
