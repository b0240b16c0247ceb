using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>What is evaluated and published is the last step's weights, never an earlier checkpoint's: a role that is done and has lost its last checkpoint takes its last steps again.</summary>
public sealed class LostSteps(CheckpointStore checkpoints, RunRepository runs, DispatchLedger ledger, RunEvents events, IRunProgress progress)
{
    /// <summary>Refuses a model made of a run's checkpoints that lacks steps which had been committed.</summary>
    /// <param name="document">The run.</param>
    /// <param name="model">What its checkpoints make, each verified.</param>
    /// <exception cref="CheckpointException">A role that is done has lost its last checkpoint.</exception>
    public static void RequireNone(RunDocument document, ModelManifest model)
    {
        foreach (var decision in document.Roles.Where(decision => decision.Status == RoleStatus.Complete))
        {
            var shown = model.Experts.Append(model.Router).Single(role => role.Role == decision.Role).Step;
            if (shown < decision.TargetSteps)
            {
                throw new CheckpointException(
                    $"{decision.Role} of run '{document.Name}' had its {decision.TargetSteps} steps and its newest checkpoint that is whole has {shown}: run the same command again, and it takes the others again.");
            }
        }
    }

    /// <summary>
    /// Reads the last checkpoint of every role that has had its steps, and sends the run back to training where one is not whole. Also of a role whose last
    /// commit nobody has seen yet: once it is called complete, nobody who trains opens it.
    /// </summary>
    /// <returns>The run as it is now; the same document where nothing was lost.</returns>
    /// <exception cref="CheckpointException">A role has checkpoints, and none that is whole.</exception>
    public async Task<RunDocument> TakeAgainAsync(RunDocument document, CancellationToken cancellationToken)
    {
        var lost = new HashSet<string>(StringComparer.Ordinal);
        foreach (var decision in document.Roles)
        {
            var role = Role.Parse(decision.Role);
            var isComplete = decision.Status == RoleStatus.Complete;
            if (!isComplete && (await checkpoints.ReadHeadAsync(document.Name, role, cancellationToken) is not { } head || head.Step < decision.TargetSteps))
            {
                continue; // opened by whoever trains it
            }

            await RepairHeadAsync(document.Name, role, newestToo: true, cancellationToken);
            if (isComplete && (await checkpoints.ReadHeadAsync(document.Name, role, cancellationToken))?.Step < decision.TargetSteps)
            {
                lost.Add(decision.Role);
            }
        }

        if (lost.Count == 0)
        {
            return document;
        }

        ledger.Forget(document.Name);
        return await runs.UpdateAsync(
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

    /// <summary>Mends a role's head, and says so.</summary>
    /// <exception cref="CheckpointException">The role has checkpoints, and none that is whole.</exception>
    public async Task RepairHeadAsync(string run, Role role, bool newestToo, CancellationToken cancellationToken)
    {
        if (await checkpoints.RepairHeadAsync(run, role, newestToo, cancellationToken) is { } done)
        {
            await TellAsync(run, $"{role}: {done}", cancellationToken);
        }
    }

    /// <summary>Writes down what was mended.</summary>
    public async Task TellAsync(string run, string text, CancellationToken cancellationToken)
    {
        await events.AddAsync(run, RunEvent.Repaired, text, cancellationToken);
        progress.Notice(text);
    }
}
