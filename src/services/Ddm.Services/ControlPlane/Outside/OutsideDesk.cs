using Ddm.Data;
using Ddm.Runs;
using Ddm.Storage;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>
/// Does in the stead of workers outside what these may not do themselves: keeps owners and heads by the same code as an inside worker's, under limits. It holds no state:
/// every call is judged by the records in the store, so that any control plane can answer it, also one that has just begun.
/// </summary>
internal sealed class OutsideDesk(
    IBlobStore blobs, CheckpointStore checkpoints, OutsideLimits limits, SliceOffers offers, IRoleReports reports, ICommandSender sender, WorkerSettings settings,
    TimeProvider time, ILogger<OutsideDesk> log)
{
    private const int LongestText = 2000;
    private static readonly string[] Kinds = [RunEvent.FellBack, RunEvent.Quarantined, RunEvent.TakenOver, RunEvent.GivenBack, RunEvent.Notice];

    /// <summary>A claim.</summary>
    public async Task<ClaimAnswer> ClaimAsync(KeyHolder holder, ClaimBody body, CancellationToken cancellationToken)
    {
        var role = OutsideLimits.RequireOwn(holder, new OutsideClaim(body.Run, body.Role, body.Worker, 0));
        OutsideLimits.RequireOwn(holder, body.Host);
        OutsideLimits.RequirePool(holder, body.Pool);
        var document = await limits.RequirePlacedAsync(holder, body.Run, role, body.Pool, cancellationToken);
        if (document.Status != RunStatus.Running)
        {
            return new ClaimAnswer(ClaimKind.Void, Head: await checkpoints.ReadHeadAsync(body.Run, role, cancellationToken));
        }

        var request = new ClaimRequest
        {
            Run = body.Run,
            Role = role,
            Worker = body.Worker,
            Host = body.Host,
            IsKnownDead = owner => body.Retake && owner == body.Worker,
            OwnerTimeout = settings.OwnerTimeout,
            FromStep = body.FromStep,
            Pool = body.Pool,
            Attempts = settings.Attempts,
        };
        return await checkpoints.ClaimAsync(request, cancellationToken) switch
        {
            ClaimOutcome.Claimed { Claim: var claim } => new ClaimAnswer(ClaimKind.Claimed, claim.ToTicket()),
            ClaimOutcome.HeldBy { Worker: var other } => new ClaimAnswer(ClaimKind.HeldBy, HeldBy: other),
            ClaimOutcome.NotYet { Wait: var wait } => new ClaimAnswer(ClaimKind.NotYet, WaitSeconds: wait.TotalSeconds),
            ClaimOutcome.Poisoned { Head: var head } => new ClaimAnswer(ClaimKind.Poisoned, Head: head),
            ClaimOutcome.Void { Head: var head } => new ClaimAnswer(ClaimKind.Void, Head: head),
            var other => throw new InvalidOperationException($"{other.GetType().Name} has no answer."),
        };
    }

    /// <summary>A renewal; false when the claim does not hold any more.</summary>
    public async Task<bool> RenewAsync(KeyHolder holder, OutsideClaim body, CancellationToken cancellationToken) =>
        await limits.FindClaimAsync(holder, body, null, cancellationToken) is { } claim && await checkpoints.RenewAsync(claim, cancellationToken);

    /// <summary>Gives a role back; again, or too late, is harmless.</summary>
    public async Task ReleaseAsync(KeyHolder holder, ReleaseBody body, CancellationToken cancellationToken)
    {
        if (await limits.FindClaimAsync(holder, body.Claim, null, cancellationToken) is { } claim)
        {
            await checkpoints.ReleaseAsync(claim, cancellationToken);
        }
    }

    /// <summary>Takes a claim out of the count of those without a commit, if it is that count's last.</summary>
    public async Task ForgiveAsync(KeyHolder holder, ForgiveBody body, CancellationToken cancellationToken)
    {
        if (await limits.FindClaimAsync(holder, body.Claim, body.Before, cancellationToken) is { } claim && MayHaveBeen(body.Before, claim.Head))
        {
            await checkpoints.ForgiveAsync(claim, cancellationToken);
        }
    }

    /// <summary>A commit: everything that can be known without the worker's device is looked at before the head moves.</summary>
    public async Task<CommitAnswer> CommitAsync(KeyHolder holder, CommitBody body, CancellationToken cancellationToken)
    {
        if (await limits.FindClaimAsync(holder, body.Claim, null, cancellationToken) is not { } claim)
        {
            var known = OutsideLimits.RequireOwn(holder, body.Claim);
            var now = await checkpoints.ReadHeadAsync(body.Claim.Run, known, cancellationToken);

            // The reply to its last commit, the one that gave the role back, may have been lost.
            return now is { GivenBack: true } && now.Epoch == body.Claim.Epoch && now.Checkpoint == body.Written.Folder
                && await checkpoints.ReadNewestAsync(body.Claim.Run, known, cancellationToken) is { } committed
                ? new CommitAnswer(CommitKind.Committed, now, "", committed, now.Epoch)
                : new CommitAnswer(CommitKind.Fenced, Epoch: now?.Epoch ?? 0);
        }

        var document = await limits.RequirePlacedAsync(holder, claim.Run, claim.Role, pool: null, cancellationToken);
        await RequireSameAsync(document, claim.Role, body, cancellationToken);
        var request = new CommitRequest
        {
            Step = body.Step,
            FromStep = body.FromStep,
            DataManifestSha256 = body.DataManifestSha256,
            Numerics = body.Numerics,
            Parts = [],
            Retention = document.Spec.Execution.Retention,
            GivesBack = body.GivesBack,
        };
        switch (await checkpoints.SealAsync(claim, request, body.Written, body.TrainedFrom, cancellationToken))
        {
            case CommitOutcome.Committed { Manifest: var manifest }:
                await TrimAsync(claim);
                return new CommitAnswer(CommitKind.Committed, claim.Head, claim.HeadETag, manifest, claim.Epoch);
            case CommitOutcome.Fenced { Epoch: var epoch }:
                return new CommitAnswer(CommitKind.Fenced, Epoch: epoch);
            default:
                return new CommitAnswer(CommitKind.Taken);
        }
    }

    /// <summary>Sweeps a role.</summary>
    public async Task SweepAsync(KeyHolder holder, SweepBody body, CancellationToken cancellationToken)
    {
        var claim = OutsideLimits.RequireOwn(holder, body.Claim);
        var document = await limits.RequirePlacedAsync(holder, body.Claim.Run, claim, pool: null, cancellationToken);
        await checkpoints.SweepAsync(document.Name, claim, document.Spec.Execution.Retention, cancellationToken); // what no head needs, whoever asks
    }

    /// <summary>A role's failure, as far as the worker may speak for the role.</summary>
    public async Task FailAsync(KeyHolder holder, FailureBody body, CancellationToken cancellationToken)
    {
        var role = OutsideLimits.RequireOwn(holder, body.Claim);
        var head = await checkpoints.ReadHeadAsync(body.Claim.Run, role, cancellationToken);
        if (head is not null && settings.Attempts.IsPoison(head) && head.Epoch == body.Claim.Epoch)
        {
            await limits.RequirePlacedAsync(holder, body.Claim.Run, role, pool: null, cancellationToken); // it cannot be claimed any more
        }
        else
        {
            await limits.RequireClaimAsync(holder, body.Claim, null, cancellationToken);
        }

        var reason = $"{Printable.Line(Printable.Text(body.Reason, LongestText))} (told by worker {body.Claim.Worker})";
        await reports.FailedAsync(body.Claim.Run, role, new RoleFailure(reason, head?.Step ?? 0, time.GetUtcNow(), body.Claim.Epoch), refused: false, cancellationToken);
    }

    /// <summary>An event of a role.</summary>
    public async Task TellAsync(KeyHolder holder, EventBody body, CancellationToken cancellationToken)
    {
        var role = OutsideLimits.RequireOwn(holder, body.Claim);
        if (!Kinds.Contains(body.Kind))
        {
            throw new UserErrorException($"'{Printable.Text(body.Kind)}' is no event of a worker's; they are {string.Join(", ", Kinds)}.");
        }

        await limits.RequirePlacedAsync(holder, body.Claim.Run, role, pool: null, cancellationToken);
        await reports.HappenedAsync(body.Claim.Run, role, body.Kind, $"{Printable.Line(Printable.Text(body.Text, LongestText))} (worker {body.Claim.Worker})", cancellationToken);
    }

    /// <summary>A slice that was taken.</summary>
    public void Offer(KeyHolder holder, TrainSlice slice) => offers.Note(holder, slice);

    /// <summary>Sends a slice on, if it is the one that its role needs next.</summary>
    public async Task SendAsync(KeyHolder holder, SliceBody body, CancellationToken cancellationToken)
    {
        OutsideLimits.RequireOwn(holder, body.Worker);
        OutsideLimits.RequirePool(holder, body.Slice.Pool);
        var role = OutsideLimits.RoleOf(body.Slice.Run, body.Slice.RolePath);
        await limits.RequirePlacedAsync(holder, body.Slice.Run, role, body.Slice.Pool, cancellationToken);
        var head = await checkpoints.ReadHeadAsync(body.Slice.Run, role, cancellationToken);
        if ((head?.Step ?? 0) == body.Slice.FromStep && (head?.Pool ?? body.Slice.Pool) == body.Slice.Pool)
        {
            await sender.SendAsync(body.Slice, cancellationToken);
        }
    }

    /// <summary>Wakes the reconciler.</summary>
    public async Task AdvancedAsync(KeyHolder holder, AdvancedBody body, CancellationToken cancellationToken)
    {
        var role = OutsideLimits.RequireOwn(holder, body.Claim);
        await limits.RequirePlacedAsync(holder, body.Claim.Run, role, pool: null, cancellationToken);
        await sender.AdvancedAsync(body.Claim.Run, role.Path, cancellationToken);
    }

    /// <summary>A worker's record, written in its stead; true where there was one.</summary>
    public async Task<bool> NoteAsync(KeyHolder holder, WorkerRecord record, CancellationToken cancellationToken)
    {
        OutsideLimits.RequireOwn(holder, record.Name);
        OutsideLimits.RequireOwn(holder, record.Host);
        OutsideLimits.RequirePool(holder, record.Pool);
        var name = RecordOf(record.Name);
        var before = await RequireOwnRecordAsync(record.Name, name, cancellationToken);
        await blobs.TryWriteJsonAsync(name, record, WriteCondition.Any, cancellationToken);
        if (before is null)
        {
            await KnownWorkers.RingAsync(blobs, record.Name, cancellationToken);
        }

        return before is not null;
    }

    /// <summary>Takes a worker's record away.</summary>
    public async Task ForgetAsync(KeyHolder holder, string worker, CancellationToken cancellationToken)
    {
        OutsideLimits.RequireOwn(holder, worker);
        var name = RecordOf(worker);
        if (await RequireOwnRecordAsync(worker, name, cancellationToken) is not null)
        {
            await blobs.DeleteAsync(name, cancellationToken);
        }
    }

    // An inside worker on a machine named as a key may have a record of the same blob.
    private async Task<WorkerRecord?> RequireOwnRecordAsync(string worker, string name, CancellationToken cancellationToken)
    {
        WorkerRecord? before;
        try
        {
            before = (await blobs.ReadJsonAsync<WorkerRecord>(name, cancellationToken))?.Value;
        }
        catch (InvalidDataException)
        {
            return null; // its worker writes it anew
        }

        return before is null || before.Name == worker ? before
            : throw new OutsideRefusedException($"The record '{name}' is worker '{Printable.Text(before.Name)}''s. Give this worker's machine another name (Ddm:Worker).");
    }

    private static string RecordOf(string worker) => BlobName.IsValid(BlobNames.Worker(WorkerPresence.Encode(worker)))
        ? BlobNames.Worker(WorkerPresence.Encode(worker)) : throw new UserErrorException($"'{Printable.Text(worker)}' cannot name a worker: it is too long.");

    // Only the claim counted: fewer machines, no later rest.
    private static bool MayHaveBeen(RoleHead before, RoleHead now) => before.Attempts == now.Attempts - 1 && before.Checkpoint == now.Checkpoint
        && (before.Tried ?? []).All(host => now.Tried?.Contains(host) == true) && (before.NotBefore is null || before.NotBefore <= now.NotBefore);

    // What the worker cannot choose: the run's class, its own cluster's data, its last step.
    private async Task RequireSameAsync(RunDocument document, Role role, CommitBody body, CancellationToken cancellationToken)
    {
        if (body.Numerics != document.Numerics[role.Path])
        {
            throw new InvalidDataException($"{role} of run '{document.Name}' is trained in the numerics class [{document.Numerics[role.Path]}], not in [{body.Numerics}].");
        }

        var target = document.Roles.First(decision => decision.Role == role.Path).TargetSteps;
        if (body.Step > target)
        {
            throw new InvalidDataException($"{role} of run '{document.Name}' ends at step {target}; {body.Step} is beyond it.");
        }

        var clusters = role.Kind == RoleKind.Expert ? [role.Index] : Enumerable.Range(0, document.Spec.Partition.Experts).ToArray();
        var data = await ClusterDataset.OpenAsync(blobs, document.Name, clusters, heldOut: false, cancellationToken);
        if (data.ManifestSha256 != body.DataManifestSha256)
        {
            throw new InvalidDataException($"{role} of run '{document.Name}' trains on data with manifest sha256 {data.ManifestSha256}, not {Printable.Text(body.DataManifestSha256)}.");
        }
    }

    // What is left is found by a later sweep.
    private async Task TrimAsync(RoleClaim claim)
    {
        try
        {
            await checkpoints.TrimAsync(claim, CancellationToken.None);
        }
        catch (Exception e) when (Faults.MayPass(e))
        {
            log.LogWarning("{Role} of run {Run}: checkpoints that are not needed any more could not be deleted ({Reason})", claim.Role, claim.Run, e.Message);
        }
    }
}
