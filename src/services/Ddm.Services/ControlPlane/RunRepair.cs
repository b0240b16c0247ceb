using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>
/// What is mended before a run is taken up again: heads are written anew from their checkpoints, and the run goes back to the first stage whose blobs are
/// missing, or damaged where its failure names them. Every stage is a function of what it came from, so what is made anew is what was there. For runs that nobody
/// works on: under the lock of <c>ddm run</c>, or failed, cancelled or done.
/// </summary>
public sealed class RunRepair(IBlobStore blobs, RunRepository runs, LostSteps lost, Publication publication)
{
    /// <summary>How a person mends a damaged blob that a stage left.</summary>
    private const string Remedy = "'ddm retry', or in a home folder the same command again, makes it anew from what it came from.";

    // It is made of pictures that may be gone, so that only a person can know whether to let it go.
    private const string ShardRemedy = "Restore that blob, or delete it where its pictures are still there; then 'ddm retry', or in a home folder the same command again.";

    /// <summary>The words of an error over what a stage left, with what a person is to do.</summary>
    internal static string WithRemedy(string error)
        => $"{error} {(error.Contains(BlobNames.Datasets, StringComparison.Ordinal) && error.Contains("/shards/", StringComparison.Ordinal) ? ShardRemedy : Remedy)}";

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
            await runs.UpdateAsync(document.Name, d => d.Stage > stage ? d.SentBack(stage) : d, cancellationToken);
        }
    }
}
