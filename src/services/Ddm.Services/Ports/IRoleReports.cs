using Ddm.Runs;

namespace Ddm.Services;

/// <summary>Where a slice tells what its run must remember.</summary>
public interface IRoleReports
{
    /// <summary>A role gave up and waits for a person.</summary>
    /// <param name="run">The run.</param>
    /// <param name="role">The role.</param>
    /// <param name="failure">Why.</param>
    /// <param name="refused">Whether a person has to mend something before the run can go on.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task FailedAsync(string run, Role role, RoleFailure failure, bool refused, CancellationToken cancellationToken);

    /// <summary>Something happened to a role: one of the kinds of <see cref="RunEvent"/>.</summary>
    Task HappenedAsync(string run, Role role, string kind, string text, CancellationToken cancellationToken);
}
