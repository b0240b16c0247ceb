using Ddm.Runs;
using Ddm.Storage;
using Ddm.Training;

namespace Ddm.Services;

/// <summary>
/// Trains a claimed role until its turn is over: steps, with commits beside them. One commit is under way at most while steps go on, from a copy of the
/// state; a store that fails is tried again later and stops no step: no call to it is waited for between steps.
/// </summary>
internal sealed class RoleSlice(
    CheckpointStore checkpoints, WorkerSettings settings, SliceGate gate, IQueueDepth queue, StopSignal stop, IRunProgress progress, TimeProvider time,
    WarmRole warm, RoleClaim claim, OwnerRenewal renewal, string pool, long target, long received)
{
    private static readonly TimeSpan ReportEvery = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(1), LongestRetry = TimeSpan.FromMinutes(1);

    private readonly IRoleTrainer trainer = warm.Trainer;
    private readonly RunSpec spec = warm.Document.Spec;
    private readonly TimeSpan interval = TimeSpan.FromSeconds(warm.Document.Spec.Execution.CommitSeconds);
    private readonly TimeSpan turn = TimeSpan.FromSeconds(warm.Document.Spec.Execution.SliceSeconds);
    private readonly LocalKeeping keeping = new(warm.Local, claim, TimeSpan.FromSeconds(warm.Document.Spec.Execution.CommitSeconds), time);
    private long committed = warm.CommittedStep; // not the head's: its checkpoint may be damaged
    private long turnBegan, commitBegan, failedAt;
    private long? stopped;
    private int failures;
    private Upload? upload;

    /// <summary>Whether anything was committed under this claim.</summary>
    public bool HasCommitted { get; private set; }

    /// <summary>Images a second of the last steps; zero before the first.</summary>
    public double Rate { get; private set; }

    /// <summary>Whether the role has its steps, committed.</summary>
    public bool IsDone => committed >= target;

    private bool IsStoreFailing => failures > 0;

    /// <summary>Trains until the role has its steps, others wait and the turn is over, the message must be acknowledged, or the process winds down.</summary>
    /// <exception cref="IOException">The store failed the last commit: what was not committed is in the trainer still.</exception>
    public async Task<SliceEnd> RunAsync(CancellationToken cancellationToken)
    {
        turnBegan = commitBegan = time.GetTimestamp();
        await using var noting = stop.Token.Register(() => stopped = time.GetTimestamp());
        Report(0, active: true);
        try
        {
            while (trainer.Step < target && !stop.Token.IsCancellationRequested)
            {
                cancellationToken.ThrowIfCancellationRequested();
                await StepAsync();
                if (renewal.IsLost || (upload is { Work.IsCompleted: true } && !await EndUploadAsync()))
                {
                    return Lose();
                }

                if (await MustYieldAsync(cancellationToken))
                {
                    break;
                }

                await keeping.EndAsync(wait: false);
                if (upload is not null || keeping.IsBusy)
                {
                    continue;
                }

                if (IsCommitDue())
                {
                    upload = await BeginUploadAsync(givesBack: false, cancellationToken);
                }
                else if (IsKeepDue())
                {
                    await keeping.BeginAsync(trainer, RequestOf, cancellationToken);
                }
            }

            return await EndAsync(cancellationToken);
        }
        finally
        {
            await keeping.DropAsync();
            await DropUploadAsync();
            Report(0, active: false);
        }
    }

    private async Task StepAsync()
    {
        var (from, since) = (trainer.Step, time.GetTimestamp());
        var chunk = turn < ReportEvery ? turn : ReportEvery;
        warm.IsWhole = false;
        await trainer.StepAsync(step => step < target && settings.DeviceShare >= 1 && time.GetElapsedTime(since) < chunk && !stop.Token.IsCancellationRequested);
        warm.IsWhole = true;
        var batch = Roles.Training(spec, claim.Role).Batch;
        await RestAsync(time.GetElapsedTime(since));
        Rate = (trainer.Step - from) * batch / time.GetElapsedTime(since).TotalSeconds;
        Report(Rate, active: true);
    }

    // After each step, so that whoever else uses the device never waits for longer than one.
    private async Task RestAsync(TimeSpan worked)
    {
        if (settings.DeviceShare < 1)
        {
            await Task.Delay(worked * ((1 / settings.DeviceShare) - 1), time, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // A store that fails cannot take the commit that a handover needs: then the role keeps its turn as long as the message allows.
    private async Task<bool> MustYieldAsync(CancellationToken cancellationToken)
    {
        if (stop.IsDraining || time.GetElapsedTime(received) >= settings.LongestMessage)
        {
            return true;
        }

        if (IsStoreFailing || time.GetElapsedTime(turnBegan) < turn)
        {
            return false;
        }

        turnBegan = time.GetTimestamp();
        return gate.Waiting > 0 || await queue.CountAsync(pool, cancellationToken) > 0;
    }

    private bool IsCommitDue()
    {
        if (IsStoreFailing)
        {
            return time.GetElapsedTime(failedAt) >= Pause(failures);
        }

        return time.GetElapsedTime(commitBegan) >= (warm.CommitInterval > interval ? warm.CommitInterval : interval);
    }

    // Where commits come at the times that the spec asks for, they are enough.
    private bool IsKeepDue() => (IsStoreFailing || warm.CommitInterval > interval * 2) && keeping.IsDue(commitBegan);

    // On a full disk of one's own a person who waits must be told; a service goes on and tries again.
    private bool MayPass(Exception error) =>
        error is not OperationCanceledException && Faults.MayPass(error) && !(settings.IsAlone && error is UserErrorException);

    private static TimeSpan Pause(int failures) =>
        TimeSpan.FromTicks(Math.Min(FirstRetry.Ticks << Math.Min(failures - 1, 10), LongestRetry.Ticks));

    private async Task<SliceEnd> EndAsync(CancellationToken cancellationToken)
    {
        var isStopping = stop.Token.IsCancellationRequested && trainer.Step < target;
        await keeping.EndAsync(wait: true);
        if (isStopping && !Fits())
        {
            await DropUploadAsync();
            if (keeping.IsOn && trainer.Step > committed)
            {
                await keeping.BeginAsync(trainer, RequestOf, cancellationToken);
            }

            var fate = await keeping.EndAsync(wait: true) ? "kept on this machine" : "dropped";
            progress.Notice($"{claim.Role} stops: its commit would not fit the notice, so that its steps {committed} to {trainer.Step} are {fate}.");
            return new SliceEnd(committed, SliceEndKind.Stopped);
        }

        if (upload is not null && !await EndUploadAsync())
        {
            return Lose();
        }

        if (!await SettleAsync(cancellationToken))
        {
            return Lose();
        }

        if (trainer.Step > committed)
        {
            upload = await BeginUploadAsync(givesBack: true, cancellationToken);
            if (!await EndUploadAsync(isLast: true))
            {
                return Lose();
            }
        }

        return new SliceEnd(committed, trainer.Step >= target ? SliceEndKind.Complete : isStopping ? SliceEndKind.Stopped : SliceEndKind.Yielded);
    }

    private bool Fits()
    {
        var left = settings.StopNotice - (stopped is { } at ? time.GetElapsedTime(at) : TimeSpan.Zero);
        var underWay = upload is null ? TimeSpan.Zero : warm.CommitTime ?? TimeSpan.Zero;
        return underWay + (warm.CommitTime ?? TimeSpan.Zero) <= left;
    }

    private SliceEnd Lose()
    {
        progress.Notice(trainer.Step > committed
            ? $"{claim.Role} was taken away; its steps {committed} to {trainer.Step} are not committed."
            : $"{claim.Role} was taken away; this slice is dropped.");
        return new SliceEnd(committed, SliceEndKind.Lost);
    }

    // A commit that threw may have moved the head all the same: the next must know what it follows on. False when the role was lost to another owner.
    private async Task<bool> SettleAsync(CancellationToken cancellationToken)
    {
        var before = claim.Head;
        if (!await checkpoints.SettleAsync(claim, cancellationToken))
        {
            return false;
        }

        NoteSettled(before);
        return true;
    }

    private void NoteSettled(RoleHead before)
    {
        if (!ReferenceEquals(claim.Head, before))
        {
            Note(claim.Head.Step, time.GetUtcNow());
        }
    }

    private void Fail(Exception error)
    {
        failedAt = time.GetTimestamp();
        failures++;
        progress.Notice($"{claim.Role} could not commit step {trainer.Step} ({error.Message}): training goes on, the commit is tried again in {Pause(failures).TotalSeconds:F0} s.");
    }

    private void Note(long step, DateTimeOffset at)
    {
        trainer.Committed(step);
        (committed, failures, HasCommitted) = (step, 0, true);
        (warm.ManifestSha256, warm.CommittedStep, warm.CommittedAt) = (claim.Head.ManifestSha256, step, at);
    }

    private async Task<Upload> BeginUploadAsync(bool givesBack, CancellationToken cancellationToken)
    {
        commitBegan = time.GetTimestamp();
        var snapshot = await trainer.SnapshotAsync();
        var cancel = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        return new Upload(snapshot, claim.Head, cancel, CommitAsync(RequestOf(snapshot) with { GivesBack = givesBack }, commitBegan, cancel.Token));
    }

    private CommitRequest RequestOf(RoleSnapshot snapshot) => new()
    {
        Step = snapshot.Step,
        FromStep = committed,
        DataManifestSha256 = trainer.DataManifestSha256,
        Numerics = warm.Document.Numerics[claim.Role.Path],
        Parts = snapshot.Parts,
        Retention = spec.Execution.Retention,
    };

    // Beside the steps: writing begins where the caller's wait does. Null where the role was lost before anything was written.
    private async Task<(CommitOutcome? Outcome, TimeSpan Took)> CommitAsync(CommitRequest request, long began, CancellationToken cancellationToken)
    {
        await Task.Yield();
        var before = claim.Head;
        if (!await checkpoints.SettleAsync(claim, cancellationToken))
        {
            return (null, TimeSpan.Zero);
        }

        if (!ReferenceEquals(claim.Head, before) && claim.Head.Step < request.Step)
        {
            request = request with { FromStep = claim.Head.Step };
        }

        var outcome = await checkpoints.CommitAsync(claim, request, cancellationToken);
        var took = time.GetElapsedTime(began);
        if (outcome is CommitOutcome.Committed)
        {
            await TidyAsync(request.Step);
            await (warm.Local?.ForgetAsync() ?? Task.CompletedTask);
        }

        return (outcome, took);
    }

    // False when the role was lost to another owner.
    private async Task<bool> EndUploadAsync(bool isLast = false)
    {
        var (snapshot, before, work) = (upload!.Snapshot, upload.Before, upload.Work);
        CommitOutcome? outcome;
        TimeSpan took;
        try
        {
            (outcome, took) = await work;
        }
        catch (Exception e) when (!isLast && MayPass(e))
        {
            NoteSettled(before);
            Fail(e);
            return true;
        }
        finally
        {
            upload.Dispose();
            upload = null;
        }

        if (outcome is not CommitOutcome.Committed { Manifest: var manifest })
        {
            return false;
        }

        Note(snapshot.Step, manifest.CommittedAt);
        warm.Measure(took, interval);
        return true;
    }

    // What is left is found by a later sweep.
    private async Task TidyAsync(long step)
    {
        try
        {
            if (claim.WantsSweep || step >= target)
            {
                await checkpoints.SweepAsync(claim, spec.Execution.Retention, CancellationToken.None);
            }
            else
            {
                await checkpoints.TrimAsync(claim, CancellationToken.None);
            }
        }
        catch (Exception e) when (MayPass(e))
        {
            progress.Notice($"{claim.Role}: checkpoints that are not needed any more could not be deleted ({e.Message}).");
        }
    }

    private async Task DropUploadAsync()
    {
        if (upload is null)
        {
            return;
        }

        upload.Cancel.Cancel(); // not by way of the thread pool: a slice stays on its own thread
        try
        {
            await upload.Work;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // what it began is swept later, and why the slice ends is told already
        }

        upload.Dispose();
        upload = null;
        warm.IsWhole = false; // whether it committed is not known
    }

    private void Report(double rate, bool active)
        => progress.Training(new TrainingProgress(claim.Role, trainer.Step, target, rate, trainer.RecentLoss, committed, warm.CommittedAt, active));

    private sealed record Upload(
        RoleSnapshot Snapshot, RoleHead Before, CancellationTokenSource Cancel, Task<(CommitOutcome? Outcome, TimeSpan Took)> Work) : IDisposable
    {
        public void Dispose()
        {
            Snapshot.Dispose();
            Cancel.Dispose();
        }
    }
}
