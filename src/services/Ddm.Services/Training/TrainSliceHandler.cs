using System.Collections.Concurrent;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Training;

namespace Ddm.Services;

/// <summary>
/// Trains one role for one slice: claim, load, step, commit, send the successor. The message is only a wake-up: one that was sent for a
/// step the role has left behind is dropped, and so is one that finds a live owner.
/// </summary>
public sealed class TrainSliceHandler(
    IBlobStore blobs,
    CheckpointStore checkpoints,
    RunRepository runs,
    IRoleTrainers trainers,
    WorkerIdentity worker,
    ICommandSender sender,
    RunEvents events,
    StopSignal stop,
    IRunProgress progress,
    TimeProvider time) : ICommandHandler<TrainSlice>
{
    private static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan ReportEvery = TimeSpan.FromSeconds(0.5);

    // Roles that a slice of this process could not give back: their owner record names a slice that has ended.
    private readonly ConcurrentDictionary<(string Run, Role Role), bool> abandoned = new();

    /// <inheritdoc/>
    public async Task HandleAsync(TrainSlice command, CancellationToken cancellationToken)
    {
        var document = await runs.GetAsync(command.Run, cancellationToken);
        var role = Role.Parse(command.RolePath);
        var head = await checkpoints.ReadHeadAsync(command.Run, role, cancellationToken);
        var target = document.Roles.Single(r => r.Role == role.Path).TargetSteps;
        if (document.Status != RunStatus.Running || (head?.Step ?? 0) != command.FromStep || command.FromStep >= target)
        {
            return;
        }

        if (await checkpoints.ClaimAsync(command.Run, role, worker.Name, IsDead, RunObserver.OwnerTimeout, cancellationToken)
            is not ClaimOutcome.Claimed { Claim: var claim })
        {
            return;
        }

        abandoned.TryRemove((command.Run, role), out _);

        long step;
        try
        {
            step = await TrainAsync(document, claim, target, cancellationToken);
        }
        catch (Exception e) when (e is NonFiniteStepException or CheckpointException or NumericsMismatchException)
        {
            await FailAsync(command, claim, e, cancellationToken);
            step = target;
        }
        finally
        {
            await ReleaseAsync(claim);
        }

        if (step >= target)
        {
            await sender.AdvancedAsync(command.Run, cancellationToken);
        }
        else if (!stop.Token.IsCancellationRequested)
        {
            await sender.SendAsync(command with { FromStep = step }, cancellationToken);
        }

        bool IsDead(string owner) => worker.IsKnownDead(owner) || (owner == worker.Name && abandoned.ContainsKey((command.Run, role)));
    }

    // Beyond what another try can mend: the role waits for a person, the others go on.
    private async Task FailAsync(TrainSlice command, RoleClaim claim, Exception error, CancellationToken cancellationToken)
    {
        // A worker that slept may find that what it was about to load was swept by whoever trains the role now: no fault of the role's.
        if (!await checkpoints.RenewAsync(claim, cancellationToken))
        {
            progress.Notice($"{claim.Role} was taken over by another worker; this slice is dropped ({error.Message}).");
            return;
        }

        var failure = new RoleFailure(error.Message, command.FromStep, time.GetUtcNow(), claim.Epoch);
        await blobs.TryWriteJsonAsync(BlobNames.RoleFailure(command.Run, claim.Role), failure, WriteCondition.Any, cancellationToken);
        if (error is not NonFiniteStepException)
        {
            await runs.UpdateAsync(command.Run, run => run.Refused ? run : run with { Refused = true }, cancellationToken);
        }

        progress.Notice($"{claim.Role} failed: {error.Message}");
    }

    // Also after an error that is tried again: the next try must find the role free. A failure here must not hide that error.
    private async Task ReleaseAsync(RoleClaim claim)
    {
        try
        {
            await checkpoints.ReleaseAsync(claim, CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or UserErrorException)
        {
            abandoned[(claim.Run, claim.Role)] = true;
            progress.Notice($"{claim.Role} could not be given back ({e.Message}): this process takes it again at once, others when its owner record has aged.");
        }
    }

    // The step that is committed; the target where there is nothing more to send: done, or another worker's now.
    private async Task<long> TrainAsync(RunDocument document, RoleClaim claim, long target, CancellationToken cancellationToken)
    {
        var (spec, role) = (document.Spec, claim.Role);
        await using var trainer = await trainers.OpenAsync(document, role, cancellationToken);
        var parent = await checkpoints.OpenAsync(claim, trainer.DataManifestSha256, cancellationToken);
        foreach (var skipped in parent?.Skipped ?? [])
        {
            var text = $"{role} goes on from step {parent!.Manifest.Step}, an earlier checkpoint than its newest: {skipped}";
            await events.AddAsync(document.Name, RunEvent.FellBack, text, cancellationToken);
            progress.Notice(text);
        }

        await trainer.LoadAsync(parent, cancellationToken);
        var from = trainer.Step;
        var committedAt = parent?.Manifest.CommittedAt;
        Report(trainer, role, target, from, committedAt, 0, active: true);
        if (!await StepAsync(trainer, claim, spec, target, from, committedAt, cancellationToken))
        {
            progress.Notice($"{role} was taken over by another worker; this slice is dropped.");
            return target;
        }

        var snapshot = await trainer.SnapshotAsync();
        var commit = new CommitRequest
        {
            Step = snapshot.Step,
            FromStep = from,
            DataManifestSha256 = trainer.DataManifestSha256,
            Numerics = document.Numerics[role.Path],
            Parts = snapshot.Parts,
        };
        var outcome = await checkpoints.CommitAsync(claim, commit, cancellationToken);
        if (outcome is CommitOutcome.Fenced)
        {
            progress.Notice($"{role} was taken over by another worker; its steps {from} to {snapshot.Step} are not committed.");
            return target;
        }

        await checkpoints.SweepAsync(document.Name, role, spec.Execution.Retention, cancellationToken);
        Report(trainer, role, target, snapshot.Step, time.GetUtcNow(), 0, active: false);
        return snapshot.Step;
    }

    // False when the role was lost to another owner.
    private async Task<bool> StepAsync(
        IRoleTrainer trainer, RoleClaim claim, RunSpec spec, long target, long committed, DateTimeOffset? committedAt, CancellationToken cancellationToken)
    {
        var (began, renewed) = (time.GetTimestamp(), time.GetTimestamp());
        var limit = TimeSpan.FromSeconds(spec.Execution.SliceSeconds);
        var chunk = limit < ReportEvery ? limit : ReportEvery;
        var batch = Roles.Training(spec, claim.Role).Batch;
        while (trainer.Step < target && time.GetElapsedTime(began) < limit && !stop.Token.IsCancellationRequested)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (from, since) = (trainer.Step, time.GetTimestamp());
            await trainer.StepAsync(step => step < target && time.GetElapsedTime(since) < chunk && !stop.Token.IsCancellationRequested);
            var rate = (trainer.Step - from) * batch / time.GetElapsedTime(since).TotalSeconds;
            Report(trainer, claim.Role, target, committed, committedAt, rate, active: true);
            if (time.GetElapsedTime(renewed) >= RenewEvery)
            {
                renewed = time.GetTimestamp();
                if (!await checkpoints.RenewAsync(claim, cancellationToken))
                {
                    return false;
                }
            }
        }

        return true;
    }

    private void Report(IRoleTrainer trainer, Role role, long target, long committed, DateTimeOffset? committedAt, double rate, bool active)
        => progress.Training(new TrainingProgress(role, trainer.Step, target, rate, trainer.RecentLoss, committed, committedAt, active));
}
