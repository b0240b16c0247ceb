using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>
/// What <c>ddm run</c> mends before it takes a run up again: heads are written anew from their checkpoints, and the run goes back to the first stage whose
/// blobs are missing. Every stage is a function of what it came from, so what is made anew is what was there. Needs the run's lock.
/// </summary>
public sealed class RunRepair(IBlobStore blobs, RunRepository runs, LostSteps lost, Publication publication)
{
    /// <summary>How a person mends a damaged blob that a stage left.</summary>
    internal const string Remedy = "Delete that blob from the home folder and run the same command again: it is made anew from what it came from.";

    /// <summary>Mends what can be mended.</summary>
    /// <exception cref="CheckpointException">A role has checkpoints, and none that is whole.</exception>
    public async Task RepairAsync(RunDocument document, CancellationToken cancellationToken)
    {
        foreach (var role in Enumerable.Range(0, document.Spec.Partition.Experts).Select(Role.Expert).Append(Role.Router))
        {
            await lost.RepairHeadAsync(document.Name, role, newestToo: false, cancellationToken);
        }

        var products = await StageProducts.ReadAsync(blobs, document, cancellationToken);
        var (stage, missing) = products.FirstMissing();
        if (missing is null && document.Stage == RunStage.Done && await publication.FindFaultAsync(document.Name, cancellationToken) is { } fault)
        {
            (stage, missing) = (RunStage.Publish, fault);
            await blobs.DeleteAsync(BlobNames.ModelCurrent(document.Name), cancellationToken);
        }

        // A role that is done is opened by nobody who trains.
        if ((missing is null ? document.Stage : stage) is RunStage.Train or RunStage.Evaluate or RunStage.Publish && document.Stage >= RunStage.Train)
        {
            document = await lost.TakeAgainAsync(document, cancellationToken);
        }

        if (missing is null)
        {
            return;
        }

        foreach (var stale in products.Stale)
        {
            await blobs.DeleteAsync(stale, cancellationToken);
        }

        await lost.TellAsync(document.Name, $"{missing}: it is made anew at stage {stage}", cancellationToken);
        if (document.Stage > stage)
        {
            await runs.UpdateAsync(document.Name, d => d with { Stage = stage, Status = RunStatus.Running, Failure = null }, cancellationToken);
        }
    }
}
