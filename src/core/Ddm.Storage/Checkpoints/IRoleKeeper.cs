using Ddm.Runs;

namespace Ddm.Storage;

/// <summary>
/// Keeps a role's two small records, its owner and its head, for whoever trains it: in the store itself; or, for a worker that may write neither, a control plane
/// keeps them in its stead. Reading checkpoints and writing their parts is the worker's own business in both cases.
/// </summary>
public interface IRoleKeeper
{
    /// <summary>As <see cref="CheckpointStore.ClaimAsync(ClaimRequest, CancellationToken)"/>.</summary>
    Task<ClaimOutcome> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken);

    /// <summary>As <see cref="CheckpointStore.RenewAsync"/>.</summary>
    Task<bool> RenewAsync(RoleClaim claim, CancellationToken cancellationToken);

    /// <summary>As <see cref="CheckpointStore.ReleaseAsync"/>.</summary>
    Task ReleaseAsync(RoleClaim claim, CancellationToken cancellationToken);

    /// <summary>As <see cref="CheckpointStore.ForgiveAsync"/>.</summary>
    Task ForgiveAsync(RoleClaim claim, CancellationToken cancellationToken);

    /// <summary>Writes the manifest of parts that are there and moves the head to it; the claim then stands on it.</summary>
    /// <param name="claim">The claim, with what it opened or committed last as its base.</param>
    /// <param name="request">What is committed; its parts are written already.</param>
    /// <param name="written">The parts.</param>
    /// <param name="cancellationToken">Ends the wait; the head may have moved.</param>
    /// <returns>Null when the folder has another manifest: an earlier try got as far as this folder, and the next must take another.</returns>
    Task<CommitOutcome?> SealAsync(RoleClaim claim, CommitRequest request, WrittenParts written, CancellationToken cancellationToken);

    /// <summary>As <see cref="CheckpointStore.SweepAsync(string, Role, RetentionSpec, CancellationToken)"/>, for the claim's role.</summary>
    Task SweepAsync(RoleClaim claim, RetentionSpec retention, CancellationToken cancellationToken);
}
