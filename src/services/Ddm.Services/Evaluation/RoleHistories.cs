using Ddm.Evaluation;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Training;

namespace Ddm.Services;

/// <summary>What the training of a run's roles was: steps, losses, images and arithmetic, from its committed metrics.</summary>
internal static class RoleHistories
{
    /// <summary>Reads every role of a run.</summary>
    /// <param name="blobs">Where runs are.</param>
    /// <param name="checkpoints">Their checkpoints.</param>
    /// <param name="document">The run.</param>
    /// <param name="classes">Classes of its data.</param>
    /// <param name="text">Its captions; null: none.</param>
    /// <param name="damaged">Receives what could not be read of the curves.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static async Task<IReadOnlyList<Ddm.Evaluation.RoleFacts>> ReadAsync(
        IBlobStore blobs, CheckpointStore checkpoints, RunDocument document, int classes, TextShape? text, List<string> damaged, CancellationToken cancellationToken)
    {
        var facts = new List<Ddm.Evaluation.RoleFacts>();
        foreach (var decision in document.Roles)
        {
            var role = Role.Parse(decision.Role);
            var newest = await checkpoints.ReadNewestAsync(document.Name, role, cancellationToken);
            var history = await RunMetrics.HistoryAsync(blobs, checkpoints, document.Name, role, damaged, cancellationToken);
            var cost = RoleCost.Of(document.Spec, role, classes, text);
            var images = history.Sum(m => (long)m.Images);
            facts.Add(new Ddm.Evaluation.RoleFacts
            {
                Role = decision.Role,
                IsRouter = role.Kind == RoleKind.Router,
                Parameters = cost.Parameters,
                Step = newest?.Step ?? 0,
                TargetSteps = decision.TargetSteps,
                Status = decision.Status.ToString().ToLowerInvariant(),
                TrainingLoss = [.. history.Select(m => new CurvePoint(m.Step, m.Loss))],
                HeldOutLoss = [.. history.Where(m => m.HeldOutLoss is not null).Select(m => new CurvePoint(m.Step, m.HeldOutLoss!.Value))],
                ImagesSeen = images,
                TrainingSeconds = history.Sum(m => m.Seconds),
                TrainingFlops = 3.0 * images * cost.ForwardFlops, // forward, and twice that backward
                CheckpointSha256 = newest?.Parts.FirstOrDefault(p => p.Name == TrainingState.WeightsPart)?.Sha256,
            });
        }

        return facts;
    }
}
