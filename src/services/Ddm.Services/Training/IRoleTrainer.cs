using Ddm.Storage;
using Ddm.Training;

namespace Ddm.Services;

/// <summary>
/// What a slice asks of a role's training. A step is a pure function of (state, spec, role, step, numerics class), so that any trainer which loads
/// a checkpoint goes on as the one that wrote it. One call at a time.
/// </summary>
public interface IRoleTrainer : IAsyncDisposable
{
    /// <summary>SHA-256 of the manifest of the data it trains on, lower-case hex.</summary>
    string DataManifestSha256 { get; }

    /// <summary>Steps made.</summary>
    long Step { get; }

    /// <summary>Mean training loss of the latest steps; null before the first.</summary>
    double? RecentLoss { get; }

    /// <summary>Takes a checkpoint's state, or without one that of step 0.</summary>
    /// <param name="parent">The role's newest checkpoint; null: nothing was ever committed.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="NumericsMismatchException">The process cannot compute in the role's class, or the checkpoint is of another.</exception>
    /// <exception cref="CheckpointException">The checkpoint is of other data or another network.</exception>
    Task LoadAsync(OpenedCheckpoint? parent, CancellationToken cancellationToken);

    /// <summary>Makes one step, and further ones while asked to.</summary>
    /// <param name="goOn">Asked after each step with the steps made; called on the trainer's own thread, and must return at once.</param>
    /// <exception cref="NonFiniteStepException">A step was not finite twice; the state is that before it.</exception>
    Task StepAsync(Func<long, bool> goOn);

    /// <summary>A copy of this moment's state to commit, measured on held-out rows. Steps may be made while its parts are written.</summary>
    Task<RoleSnapshot> SnapshotAsync();

    /// <summary>To be called when a snapshot of <paramref name="step"/> is committed: its metrics need not be written again.</summary>
    void Committed(long step);
}
