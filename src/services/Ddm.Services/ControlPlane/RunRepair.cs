using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>
/// What <c>ddm run</c> mends before it takes a run up again: heads are written anew from their checkpoints, and the run goes back to the first stage whose
/// blobs are missing. Every stage is a function of what it came from, so what is made anew is what was there. Needs the run's lock.
/// </summary>
public sealed class RunRepair(IBlobStore blobs, CheckpointStore checkpoints, RunRepository runs, RunEvents events, Publication publication, IRunProgress progress)
{
    /// <summary>How a person mends a damaged blob that a stage left.</summary>
    internal const string Remedy = "Delete that blob from the home folder and run the same command again: it is made anew from what it came from.";

    /// <summary>Mends what can be mended.</summary>
    /// <exception cref="CheckpointException">A role has checkpoints, and none that is whole.</exception>
    public async Task RepairAsync(RunDocument document, CancellationToken cancellationToken)
    {
        foreach (var role in Enumerable.Range(0, document.Spec.Partition.Experts).Select(Role.Expert).Append(Role.Router))
        {
            await RepairHeadAsync(document, role, newestToo: false, cancellationToken);
        }

        var products = await StageProducts.ReadAsync(blobs, document, cancellationToken);
        var (stage, missing) = products.FirstMissing();
        if (missing is null && document.Stage == RunStage.Done && await publication.FindFaultAsync(document.Name, cancellationToken) is { } fault)
        {
            (stage, missing) = (RunStage.Publish, fault);
            await blobs.DeleteAsync(BlobNames.ModelCurrent(document.Name), cancellationToken);
        }

        document = await TrainOnAsync(document, missing is null ? document.Stage : stage, cancellationToken);
        if (missing is null)
        {
            return;
        }

        foreach (var stale in products.Stale)
        {
            await blobs.DeleteAsync(stale, cancellationToken);
        }

        await TellAsync(document.Name, $"{missing}: it is made anew at stage {stage}", cancellationToken);
        if (document.Stage > stage)
        {
            await runs.UpdateAsync(document.Name, d => d with { Stage = stage, Status = RunStatus.Running, Failure = null }, cancellationToken);
        }
    }

    // What is evaluated and published is the last step's weights, never an earlier checkpoint's: a role that has lost them takes its last steps again.
    private async Task<RunDocument> TrainOnAsync(RunDocument document, RunStage stage, CancellationToken cancellationToken)
    {
        if (stage is not (RunStage.Evaluate or RunStage.Publish) || document.Stage <= RunStage.Train)
        {
            return document;
        }

        var lost = new HashSet<string>(StringComparer.Ordinal);
        foreach (var decision in document.Roles.Where(decision => decision.Status == RoleStatus.Complete))
        {
            var role = Role.Parse(decision.Role);
            await RepairHeadAsync(document, role, newestToo: true, cancellationToken);
            if ((await checkpoints.ReadHeadAsync(document.Name, role, cancellationToken))?.Step < decision.TargetSteps)
            {
                lost.Add(decision.Role);
            }
        }

        return lost.Count == 0 ? document : await runs.UpdateAsync(
            document.Name,
            d => d with
            {
                Stage = RunStage.Train,
                Status = RunStatus.Running,
                Failure = null,
                Roles = [.. d.Roles.Select(decision => lost.Contains(decision.Role) ? decision with { Status = RoleStatus.Training } : decision)],
            },
            cancellationToken);
    }

    private async Task RepairHeadAsync(RunDocument document, Role role, bool newestToo, CancellationToken cancellationToken)
    {
        if (await checkpoints.RepairHeadAsync(document.Name, role, newestToo, cancellationToken) is { } done)
        {
            await TellAsync(document.Name, $"{role}: {done}", cancellationToken);
        }
    }

    private async Task TellAsync(string run, string text, CancellationToken cancellationToken)
    {
        await events.AddAsync(run, RunEvent.Repaired, text, cancellationToken);
        progress.Notice(text);
    }
}
