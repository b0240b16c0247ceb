using Ddm.Runs;

namespace Ddm.Services;

/// <summary>What a person may do to a run that is under way. Each answers with the run's new decisions.</summary>
public interface IRunControl
{
    /// <summary>Ends the run; what was committed stays, and a retry takes it up again.</summary>
    /// <exception cref="UserErrorException">There is no such run, or it has ended.</exception>
    Task<RunDocument> CancelAsync(string run, CancellationToken cancellationToken);

    /// <summary>Holds the run until it is resumed.</summary>
    /// <exception cref="UserErrorException">There is no such run, or it does not go on.</exception>
    Task<RunDocument> PauseAsync(string run, CancellationToken cancellationToken);

    /// <summary>Lets a held run go on.</summary>
    /// <exception cref="UserErrorException">There is no such run, or it is not held.</exception>
    Task<RunDocument> ResumeAsync(string run, CancellationToken cancellationToken);

    /// <summary>Mends what is missing or damaged of a run and takes it up again, where it failed, was cancelled, or is done.</summary>
    /// <exception cref="UserErrorException">There is no such run, or it goes on, or it is done and whole.</exception>
    Task<RunDocument> RetryAsync(string run, CancellationToken cancellationToken);

    /// <summary>Moves a role to another pool.</summary>
    /// <exception cref="UserErrorException">There is no such run, role or pool.</exception>
    Task<RunDocument> MoveAsync(string run, Role role, string pool, CancellationToken cancellationToken);

    /// <summary>Takes a quarantined role up again.</summary>
    /// <exception cref="UserErrorException">There is no such run or role, or it is not quarantined.</exception>
    Task<RunDocument> RedriveAsync(string run, Role role, CancellationToken cancellationToken);
}
