using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>
/// Brings a run one look further: observes the blobs, lets the pure planner decide, stores the decision, then sends what it asks for.
/// Level-triggered: any number of looks, in any order, come to the same end.
/// </summary>
public sealed class Reconciler(
    RunRepository runs, RunObserver observer, CheckpointStore checkpoints, RunEvents events, ICommandSender sender, DispatchLedger ledger, ISlicePlacement placement, IRunProgress progress)
{
    /// <summary>Looks at the run until nothing more changes, and sends the commands that are due.</summary>
    public Task ReconcileAsync(string run, CancellationToken cancellationToken) => ReconcileAsync(run, null, cancellationToken);

    /// <summary>As the other overload, where only one role's training is new.</summary>
    /// <param name="run">The run.</param>
    /// <param name="role">The role; null: any may be.</param>
    /// <param name="cancellationToken">Stops the look.</param>
    public async Task ReconcileAsync(string run, string? role, CancellationToken cancellationToken)
    {
        if (role is not null)
        {
            ledger.Forget(run, role);
        }

        while (await runs.FindAsync(run, cancellationToken) is { } found)
        {
            var (document, etag) = found;
            if (document.Status == RunStatus.Running)
            {
                ledger.Enter(run, document.Stage);
            }
            else
            {
                ledger.Leave(run);
            }

            var observation = await observer.ObserveAsync(document, role, ledger, cancellationToken);
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
            if (await MendHoldsAsync(document, observation, cancellationToken))
            {
                continue;
            }

            await SendAsync(document, observation, plan.Commands, cancellationToken);
            return;
        }
    }

    /// <summary>Lets go of what is remembered of a run that does not go on.</summary>
    public void Leave(string run) => ledger.Leave(run);

    private async Task SendAsync(RunDocument document, RunObservation seen, IReadOnlyList<IRunCommand> commands, CancellationToken cancellationToken)
    {
        foreach (var command in commands.Where(command => command is not TrainSlice && ledger.TryClaim(command)))
        {
            await SendAsync(command, cancellationToken);
        }

        var due = commands.OfType<TrainSlice>()
            .Select(slice => ledger.Due(slice, seen.Epochs.GetValueOrDefault(slice.RolePath), seen.Pools.GetValueOrDefault(slice.RolePath)))
            .OfType<DueSlice>().ToList();
        foreach (var placed in await placement.PlaceAsync(document, seen, due, cancellationToken))
        {
            if (!placed.IsWaiting)
            {
                await sender.SendAsync(placed.Slice, cancellationToken);
            }

            ledger.Note(placed, seen.Epochs.GetValueOrDefault(placed.Slice.RolePath));
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

    // A person's pause or resume that was cut off between the document and the heads: the document holds.
    private async Task<bool> MendHoldsAsync(RunDocument document, RunObservation seen, CancellationToken cancellationToken)
    {
        if (document.Status != RunStatus.Running || seen.HeldRoles.Count == 0)
        {
            return false;
        }

        foreach (var role in seen.HeldRoles)
        {
            await checkpoints.FreeAsync(document.Name, Role.Parse(role), cancellationToken);
        }

        // A pause writes the document before it holds the first role: where it came between our look and the freeing, this sees it.
        if ((await runs.FindAsync(document.Name, cancellationToken))?.Value is { Status: not RunStatus.Running })
        {
            foreach (var role in seen.HeldRoles)
            {
                await checkpoints.HoldAsync(document.Name, Role.Parse(role), cancellationToken);
            }
        }

        return true;
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
        progress.Observed(document, observation);
        if (document.Status is not RunStatus.Running)
        {
            progress.Ended(document);
        }
    }
}
