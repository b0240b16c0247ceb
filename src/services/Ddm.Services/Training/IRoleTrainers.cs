using Ddm.Runs;

namespace Ddm.Services;

/// <summary>Where slices get their trainers from: of torch, or of a simulation.</summary>
public interface IRoleTrainers
{
    /// <summary>What this process computes in, whatever micro-batch and threads it says; null: in every class.</summary>
    NumericsClass? Numerics => null;

    /// <summary>Whether this process can compute in a numerics class; a slice of another is declined before it is claimed.</summary>
    bool CanTrain(NumericsClass numerics) => true;

    /// <summary>A trainer of a role's data, without weights yet: call <see cref="IRoleTrainer.LoadAsync"/> next.</summary>
    /// <param name="document">The run.</param>
    /// <param name="role">An expert or the router.</param>
    /// <param name="cancellationToken">Stops the opening.</param>
    /// <exception cref="InvalidDataException">The role's data are missing or damaged.</exception>
    Task<IRoleTrainer> OpenAsync(RunDocument document, Role role, CancellationToken cancellationToken);
}
