using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>What is evaluated and published is the last step's weights, never an earlier checkpoint's: a role that is done and has lost its last checkpoint takes its last steps again.</summary>
public sealed class LostSteps(CheckpointStore checkpoints, RunRepository runs, RunEvents events, IRunProgress progress)
{
    /// <summary>Sends a run back to training where what its checkpoints make lacks steps that had been committed.</summary>
    /// <param name="document">The run.</param>
    /// <param name="shown">Its roles at the newest of their checkpoints that are whole.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Whether it was sent back: then there is nothing to evaluate or to publish yet, and its reconciler is to be woken.</returns>
    /// <exception cref="CheckpointException">A role has checkpoints, and none that is whole; or what was lost is there again.</exception>
    public async Task<bool> SendBackAsync(RunDocument document, IEnumerable<PublishedRole> shown, CancellationToken cancellationToken)
    {
        var steps = shown.ToDictionary(role => role.Role, role => role.Step, StringComparer.Ordinal);
        if (document.Roles.FirstOrDefault(role => role.Status == RoleStatus.Complete && steps[role.Role] < role.TargetSteps) is not { } lost)
        {
            return false;
        }

        return !ReferenceEquals(await TakeAgainAsync(document, cancellationToken), document) ? true : throw new CheckpointException(
            $"{lost.Role} of run '{document.Name}' had its {lost.TargetSteps} steps, was read at {steps[lost.Role]} and is whole now: its blobs come and go.");
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

        return await runs.UpdateAsync(
            document.Name,
            d => d.SentBack(RunStage.Train) with
            {
                Roles = [.. d.Roles.Select(decision => lost.Contains(decision.Role) ? decision with { Status = RoleStatus.Training } : decision)],
            },
            cancellationToken);
    }

    /// <summary>Mends a role's head, takes the role from whoever had it, and says so.</summary>
    /// <exception cref="CheckpointException">The role has checkpoints, and none that is whole.</exception>
    public async Task RepairHeadAsync(string run, Role role, bool newestToo, CancellationToken cancellationToken)
    {
        if (await checkpoints.RepairHeadAsync(run, role, newestToo, cancellationToken) is { } done)
        {
            await checkpoints.TakeBackAsync(run, role, cancellationToken); // its last owner may seem alive, or still be: neither is waited for
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
