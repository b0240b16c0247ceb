using Ddm.Runs;

namespace Ddm.Services;

/// <summary>
/// Brings a run one look further: observes the blobs, lets the pure planner decide, stores the decision, then sends what it asks for.
/// Level-triggered: any number of looks, in any order, come to the same end.
/// </summary>
public sealed class Reconciler(RunRepository runs, RunObserver observer, RunEvents events, ICommandSender sender, DispatchLedger ledger, IRunProgress progress)
{
    /// <summary>Looks at the run until nothing more changes, and sends the commands that are due.</summary>
    public async Task ReconcileAsync(string run, CancellationToken cancellationToken)
    {
        while (await runs.FindAsync(run, cancellationToken) is { } found)
        {
            var (document, etag) = found;
            var observation = await observer.ObserveAsync(document, cancellationToken);
            var plan = Planner.Plan(document, observation);
            if (!ReferenceEquals(plan.Document, document))
            {
                // The decision stands before its commands go out; a crash between the two only means that they are sent by the next look.
                if (await runs.TryReplaceAsync(plan.Document, etag, cancellationToken))
                {
                    await RecordAsync(document, plan.Document, cancellationToken);
                }

                continue;
            }

            Report(document, observation);
            foreach (var command in plan.Commands.Where(ledger.TryClaim))
            {
                await SendAsync(command, cancellationToken);
            }

            return;
        }
    }

    private async Task SendAsync(IRunCommand command, CancellationToken cancellationToken)
    {
        try
        {
            await sender.SendAsync(command, cancellationToken);
        }
        catch
        {
            ledger.Forget(command); // due again at the next look, not when patience ends
            throw;
        }
    }

    private async Task RecordAsync(RunDocument before, RunDocument after, CancellationToken cancellationToken)
    {
        if (after.Stage != before.Stage)
        {
            await events.AddAsync(after.Name, RunEvent.Stage, after.Stage.ToString(), cancellationToken);
        }

        if (after.Status == RunStatus.Failed && before.Status != RunStatus.Failed)
        {
            await events.AddAsync(after.Name, RunEvent.Failed, after.Failure ?? "", cancellationToken);
        }
    }

    private void Report(RunDocument document, RunObservation observation)
    {
        var sharded = document.Stage is RunStage.Ingest or RunStage.ExtractFeatures or RunStage.AssignShards;
        var total = sharded ? document.ShardCount : 1;
        var done = sharded ? observation.FinishedShards.Count : observation.StageFinished ? 1 : 0;
        progress.Stage(document.Stage, done, total);
        if (document.Status is not RunStatus.Running)
        {
            progress.Ended(document);
        }
    }
}
