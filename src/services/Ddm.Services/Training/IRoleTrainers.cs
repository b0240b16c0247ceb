using Ddm.Runs;

namespace Ddm.Services;

/// <summary>Where slices get their trainers from: of torch, or of a simulation.</summary>
public interface IRoleTrainers
{
    /// <summary>A trainer of a role's data, without weights yet: call <see cref="IRoleTrainer.LoadAsync"/> next.</summary>
    /// <param name="document">The run.</param>
    /// <param name="role">An expert or the router.</param>
    /// <param name="cancellationToken">Stops the opening.</param>
    /// <exception cref="InvalidDataException">The role's data are missing or damaged.</exception>
    Task<IRoleTrainer> OpenAsync(RunDocument document, Role role, CancellationToken cancellationToken);
}
