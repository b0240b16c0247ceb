using System.Globalization;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>
/// What a person may ask of a run. The document says what holds; raised epochs make it hold at once, whoever trains and however messages fall. Every request
/// may be repeated: one that was cut off is finished by the next.
/// </summary>
public sealed class RunControl(IBlobStore blobs, CheckpointStore checkpoints, RunRepository runs, RunEvents events, RunRepair repair, ICommandSender sender)
    : IRunControl
{
    /// <summary>Ends a run, also one that failed: its roles are taken from whoever trains them. What is committed stays, and <see cref="RetryAsync"/> takes it up again.</summary>
    /// <exception cref="UserErrorException">There is no such run, or it has ended already.</exception>
    public Task<RunDocument> CancelAsync(string run, CancellationToken cancellationToken) => StopAsync(run, RunStatus.Cancelled, RunEvent.Cancelled, cancellationToken);

    /// <summary>Holds a run: its roles are taken from whoever trains them, until <see cref="ResumeAsync"/>. What is committed stays.</summary>
    /// <exception cref="UserErrorException">There is no such run, or it has ended.</exception>
    public Task<RunDocument> PauseAsync(string run, CancellationToken cancellationToken) => StopAsync(run, RunStatus.Paused, RunEvent.Paused, cancellationToken);

    /// <summary>Lets a paused run go on.</summary>
    /// <exception cref="UserErrorException">There is no such run, or it is not paused.</exception>
    public async Task<RunDocument> ResumeAsync(string run, CancellationToken cancellationToken)
    {
        var document = await runs.GetAsync(run, cancellationToken);
        if (document.Status is not (RunStatus.Paused or RunStatus.Running))
        {
            throw new UserErrorException($"run '{run}' is not paused, it {Word(document.Status)}.{Remedy(document)}");
        }

        if (document.Status == RunStatus.Running)
        {
            return document;
        }

        return await ReopenAsync(document, RunStatus.Paused, "by a person", cancellationToken);
    }

    /// <summary>
    /// Takes a failed or cancelled run up again: what is missing or damaged of it is mended, failures of its roles are forgotten, and they go on from their last
    /// commits. Also a run that is done, where something of it is missing or what it published is damaged.
    /// </summary>
    /// <exception cref="UserErrorException">There is no such run, or it goes on, or it is done and whole.</exception>
    /// <exception cref="CheckpointException">A role has checkpoints, and none that is whole.</exception>
    public async Task<RunDocument> RetryAsync(string run, CancellationToken cancellationToken)
    {
        var document = await runs.GetAsync(run, cancellationToken);
        if (document.Status is not (RunStatus.Failed or RunStatus.Cancelled or RunStatus.Succeeded))
        {
            throw new UserErrorException($"run '{run}' neither failed nor was cancelled, it {Word(document.Status)}.{Remedy(document)}");
        }

        // While the run still stands: nobody sends anything, and nobody can claim a role whose head is written anew.
        await repair.RepairAsync(document, cancellationToken);
        if (document.Status == RunStatus.Succeeded)
        {
            return await GoOnAsync(run, cancellationToken);
        }

        // Also of roles whose failure nobody has read yet: the next look would fail the run anew.
        foreach (var decision in document.Roles.Where(role => role.Status != RoleStatus.Complete))
        {
            await blobs.DeleteAsync(BlobNames.RoleFailure(run, Role.Parse(decision.Role)), cancellationToken);
        }

        return await ReopenAsync(document, document.Status, document.Failure ?? "after it was cancelled", cancellationToken);
    }

    /// <summary>Places a role in another pool. Steps since its last commit are made again there.</summary>
    /// <param name="run">The run.</param>
    /// <param name="role">The role.</param>
    /// <param name="pool">One of the pools that the spec names for it, or any where it names none.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="UserErrorException">There is no such run or role, the role has nothing to train, or the pool may not train it.</exception>
    public async Task<RunDocument> MoveAsync(string run, Role role, string pool, CancellationToken cancellationToken)
    {
        PoolName.Require(pool);
        var document = await runs.GetAsync(run, cancellationToken);
        var decision = Find(document, role);
        if (document.Status is not (RunStatus.Running or RunStatus.Paused) || decision.Status != RoleStatus.Training)
        {
            throw new UserErrorException(decision.Status == RoleStatus.Training
                ? $"{role} of run '{run}' cannot be moved: the run {Word(document.Status)}.{Remedy(document)}"
                : $"{role} of run '{run}' cannot be moved: it {(decision.Status == RoleStatus.Complete ? "has all its steps" : "failed; re-drive it first")}.");
        }

        var named = (role.Kind == RoleKind.Router ? document.Spec.Router.Training : document.Spec.Experts).Pools;
        if (named.Count > 0 && !named.Contains(pool))
        {
            throw new UserErrorException($"{role} of run '{run}' may not be trained in pool '{pool}': its spec names {string.Join(", ", named)}.");
        }

        var head = await checkpoints.GrantAsync(run, role, pool, cancellationToken);
        await events.AddAsync(run, RunEvent.Placed, $"{role} was moved to pool '{pool}' by a person, at step {head.Step}", cancellationToken);
        if (document.Status == RunStatus.Running && document.Stage == RunStage.Train)
        {
            await TrySendAsync(new TrainSlice(run, role.Path, head.Step, pool, document.Submission), cancellationToken);
        }

        return document;
    }

    /// <summary>Takes a role up again that failed or was set aside, with its failures forgotten; the run too, where it failed for that.</summary>
    /// <exception cref="UserErrorException">There is no such run or role, or the role did not fail.</exception>
    public async Task<RunDocument> RedriveAsync(string run, Role role, CancellationToken cancellationToken)
    {
        var document = await runs.GetAsync(run, cancellationToken);
        var decision = Find(document, role);
        var failure = BlobNames.RoleFailure(run, role);
        if (document.Status is not (RunStatus.Running or RunStatus.Failed) || document.Stage != RunStage.Train
            || (decision.Status != RoleStatus.Failed && !await blobs.ExistsAsync(failure, cancellationToken)))
        {
            throw new UserErrorException(decision.Status == RoleStatus.Failed
                ? $"{role} of run '{run}' cannot be taken up again: the run {Word(document.Status)}.{Remedy(document)}"
                : $"{role} of run '{run}' neither failed nor was set aside: it {(decision.Status == RoleStatus.Complete ? "has all its steps" : "is being trained")}.");
        }

        await blobs.DeleteAsync(failure, cancellationToken);
        await checkpoints.FreeAsync(run, role, cancellationToken);
        var next = await runs.UpdateAsync(run, d => Reopen(d, failed => failed.Role == role.Path), cancellationToken);
        await events.AddAsync(run, RunEvent.Resumed, $"{role}: {decision.Failure ?? "set aside"}", cancellationToken);
        await sender.AdvancedAsync(run, role.Path, cancellationToken);
        return next;
    }

    /// <summary>Sees to it that nobody trains a run that is paused, cancelled or failed: what a request that was cut off left undone, and what workers have not heard of.</summary>
    public async Task EnforceAsync(RunDocument document, CancellationToken cancellationToken)
    {
        foreach (var role in Trainable(document))
        {
            try
            {
                if (await checkpoints.ReadHeadAsync(document.Name, role, cancellationToken) is not { Held: true })
                {
                    await checkpoints.HoldAsync(document.Name, role, cancellationToken);
                }
            }
            catch (CheckpointException)
            {
                // nobody can claim a role whose head cannot be read
            }
        }
    }

    /// <summary>A run as it reads when its failures, or some of them, are forgotten.</summary>
    internal static RunDocument Reopen(RunDocument document, Func<RoleDecision, bool>? which = null) => document with
    {
        Status = RunStatus.Running,
        Failure = null,
        Refused = false,
        Roles =
        [
            .. document.Roles.Select(role => role.Status == RoleStatus.Failed && which?.Invoke(role) != false
                ? role with { Status = RoleStatus.Training, Failure = null }
                : role),
        ],
    };

    // A run that was done: what was mended has set it running, or there was nothing.
    private async Task<RunDocument> GoOnAsync(string run, CancellationToken cancellationToken)
    {
        var document = await runs.GetAsync(run, cancellationToken);
        if (document.Status == RunStatus.Succeeded)
        {
            throw new UserErrorException($"run '{run}' neither failed nor was cancelled, it is done, and nothing of it is missing.");
        }

        await events.AddAsync(run, RunEvent.Resumed, $"at stage {document.Stage}", cancellationToken);
        await sender.AdvancedAsync(run, cancellationToken);
        return document;
    }

    // The document first: from then on nobody sends what is not sent yet. Then the roles, one by one.
    private async Task<RunDocument> StopAsync(string run, RunStatus status, string kind, CancellationToken cancellationToken)
    {
        var changed = false;
        var document = await runs.UpdateAsync(run, Stop, cancellationToken);
        await EnforceAsync(document, cancellationToken);
        if (changed)
        {
            await events.AddAsync(run, kind, $"at stage {document.Stage}", cancellationToken);
        }

        await sender.AdvancedAsync(run, cancellationToken);
        return document;

        RunDocument Stop(RunDocument before)
        {
            if (before.Status == status)
            {
                changed = false;
                return before;
            }

            changed = before.Status == RunStatus.Running || (before.Status is RunStatus.Paused or RunStatus.Failed && status == RunStatus.Cancelled);
            return changed ? before with { Status = status } : throw new UserErrorException($"run '{run}' cannot be {kind}: it {Word(before.Status)}.{Remedy(before)}");
        }
    }

    // A broker that is away holds up no answer: the role is placed, and the next look at the run sends what is missing.
    private async Task TrySendAsync(TrainSlice slice, CancellationToken cancellationToken)
    {
        try
        {
            await sender.SendAsync(slice, cancellationToken);
        }
        catch (Exception e) when (Faults.MayPass(e) && !cancellationToken.IsCancellationRequested)
        {
            await sender.AdvancedAsync(slice.Run, slice.RolePath, cancellationToken);
        }
    }

    // The roles first: were the document first and the rest cut off, a look would find them held and free them. Both orders end well, this one at once.
    private async Task<RunDocument> ReopenAsync(RunDocument document, RunStatus from, string why, CancellationToken cancellationToken)
    {
        foreach (var role in Trainable(document))
        {
            try
            {
                await checkpoints.FreeAsync(document.Name, role, cancellationToken);
            }
            catch (CheckpointException)
            {
                // its head was damaged while the run was held: the next look fails the run, and a retry mends it
            }
        }

        var next = await runs.UpdateAsync(document.Name, d => d.Status == from ? Reopen(d) : d, cancellationToken);
        await events.AddAsync(document.Name, RunEvent.Resumed, why, cancellationToken);
        await sender.AdvancedAsync(document.Name, cancellationToken);
        return next;
    }

    private static IEnumerable<Role> Trainable(RunDocument document) =>
        document.Stage == RunStage.Train ? document.Roles.Where(role => role.Status != RoleStatus.Complete).Select(role => Role.Parse(role.Role)) : [];

    /// <summary>What is wrong with a role's name; null where the run has it.</summary>
    internal static string? FindFault(RunDocument document, Role role) =>
        role == Role.Router || (role.Kind == RoleKind.Expert && role.Index < document.Spec.Partition.Experts) ? null : string.Create(
            CultureInfo.InvariantCulture, $"run '{document.Name}' has no role {role}: it has experts/0 to experts/{document.Spec.Partition.Experts - 1} and router.");

    private static RoleDecision Find(RunDocument document, Role role) => document.Roles.FirstOrDefault(decision => decision.Role == role.Path)
        ?? throw new UserErrorException(FindFault(document, role) ?? $"{role} of run '{document.Name}' has not begun to train.");

    private static string Word(RunStatus status) => status switch
    {
        RunStatus.Running => "is running",
        RunStatus.Paused => "is paused",
        RunStatus.Cancelled => "was cancelled",
        RunStatus.Failed => "failed",
        RunStatus.Succeeded => "is done",
        _ => "is being removed",
    };

    private static string Remedy(RunDocument document) => document.Status switch
    {
        RunStatus.Failed or RunStatus.Cancelled => $" 'ddm retry {document.Name}' takes it up again.",
        RunStatus.Paused => $" 'ddm resume {document.Name}' lets it go on.",
        _ => "",
    };
}
