using Ddm.Data;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>How an exported model was trained, as far as its run is still there.</summary>
/// <param name="TrainingRows">Pictures that experts were trained on.</param>
/// <param name="HeldOutRows">Pictures kept for measuring.</param>
/// <param name="Roles">Experts, then the router.</param>
/// <param name="Evaluation">The run's evaluation; null: not yet.</param>
internal sealed record TrainingRecord(long TrainingRows, long HeldOutRows, IReadOnlyList<Ddm.Evaluation.RoleFacts> Roles, EvaluationSummary? Evaluation)
{
    /// <summary>Reads the record of a model; null: it was imported, or its run was removed.</summary>
    public static async Task<TrainingRecord?> ReadAsync(
        IBlobStore blobs, CheckpointStore checkpoints, RunRepository runs, ModelManifest model, CancellationToken cancellationToken)
    {
        if (model.Experts.Any(expert => expert.Network is not null) || await runs.FindAsync(model.Name, cancellationToken) is not { Value: var document })
        {
            return null;
        }

        var all = Enumerable.Range(0, model.Experts.Count).ToArray();
        var training = await ClusterDataset.OpenAsync(blobs, model.Name, all, heldOut: false, cancellationToken);
        var heldOut = await ClusterDataset.OpenAsync(blobs, model.Name, all, heldOut: true, cancellationToken);
        var roles = await RoleHistories.ReadAsync(blobs, checkpoints, document, model.ClassNames.Count, training.Text, [], cancellationToken);
        var evaluation = await blobs.ReadJsonAsync<EvaluationSummary>(BlobNames.EvaluationManifest(model.Name), cancellationToken);
        return new TrainingRecord(training.Rows, heldOut.Rows, roles, evaluation?.Value);
    }
}
