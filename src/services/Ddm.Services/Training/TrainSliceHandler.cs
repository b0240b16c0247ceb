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
    CheckpointStore checkpoints,
    RunRepository runs,
    IRoleTrainers trainers,
    WorkerIdentity worker,
    WorkerSettings settings,
    WorkerPresence presence,
    SliceGate gate,
    IQueueDepth queue,
    ICommandSender sender,
    IRoleReports reports,
    StopSignal stop,
    IRunProgress progress,
    TimeProvider time) : ICommandHandler<TrainSlice>, IAsyncDisposable
{
    private static readonly TimeSpan LongestSend = TimeSpan.FromSeconds(10), LongestTelling = TimeSpan.FromSeconds(3), BeforeDeclining = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan BetweenTellings = TimeSpan.FromMinutes(10), LocalAge = TimeSpan.FromDays(7);

    // Roles that a slice of this process could not give back: their owner record names a slice that has ended.
    private readonly ConcurrentDictionary<(string Run, Role Role), bool> abandoned = new();
    private bool isSwept;
    private WarmRole? warm;
    private (string Reason, long At)? declined;

    /// <summary>What this machine keeps between commits; null: nothing.</summary>
    internal LocalCheckpoints? Local { get; init; } = settings.LocalFolder is { } folder ? new LocalCheckpoints(new FileBlobStore(folder), time) : null;

    /// <inheritdoc/>
    public async Task HandleAsync(TrainSlice command, CancellationToken cancellationToken)
    {
        var received = time.GetTimestamp();
        for (var slice = command; ;)
        {
            var document = await ReadAsync(slice, cancellationToken);
            var role = Role.Parse(slice.RolePath);
            var target = document.Roles.FirstOrDefault(r => r.Role == role.Path)?.TargetSteps ?? 0;
            if (document.Status != RunStatus.Running || slice.FromStep >= target || (slice.Submission != 0 && slice.Submission != document.Submission))
            {
                await WakeAsync(slice, cancellationToken);
                return;
            }

            if (FindReasonToDecline(document, role) is { } reason)
            {
                await DeclineAsync(slice, reason, cancellationToken);
                return;
            }

            if (await ClaimAsync(slice, role, cancellationToken) is not { } claim)
            {
                await WakeAsync(slice, cancellationToken);
                return;
            }

            var end = await TrainAsync(document, claim, slice, target, received, cancellationToken);
            if (end.Why is SliceEndKind.Complete or SliceEndKind.Lost)
            {
                await sender.AdvancedAsync(slice.Run, slice.RolePath, cancellationToken);
                return;
            }

            // After the commit and before the acknowledgement: whichever of the two is lost, the role is not.
            slice = slice with { FromStep = end.Step };
            var isSent = await TrySendAsync(slice, cancellationToken);
            if (stop.Token.IsCancellationRequested)
            {
                await TellAsync(slice.Run, role, RunEvent.GivenBack, $"{role}: {worker.Name} winds down at step {end.Step}");
            }

            if (isSent || end.Why == SliceEndKind.Stopped)
            {
                return;
            }

            progress.Notice($"{role}: the broker does not take the next slice; this worker goes on with it.");
            received = time.GetTimestamp();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await CoolAsync();

    // What a slice needs of the document never changes. That its run was paused meanwhile the head says: it is held.
    private async Task<RunDocument> ReadAsync(TrainSlice slice, CancellationToken cancellationToken)
        => runs.LastSeen(slice.Run) is { Status: RunStatus.Running, Stage: RunStage.Train } known && known.Submission == slice.Submission
            ? known
            : await runs.GetAsync(slice.Run, cancellationToken);

    // Where nobody looks at runs by the clock, a dropped slice may be the last that is heard of a run which another process held or ended.
    private Task WakeAsync(TrainSlice slice, CancellationToken cancellationToken)
        => settings.IsAlone ? sender.AdvancedAsync(slice.Run, cancellationToken) : Task.CompletedTask;

    private async Task<RoleClaim?> ClaimAsync(TrainSlice slice, Role role, CancellationToken cancellationToken)
    {
        var request = new ClaimRequest
        {
            Run = slice.Run,
            Role = role,
            Worker = worker.Name,
            Host = worker.Host,
            IsKnownDead = owner => worker.IsKnownDead(owner) || (owner == worker.Name && abandoned.ContainsKey((slice.Run, role))),
            OwnerTimeout = settings.OwnerTimeout,
            FromStep = slice.FromStep,
            Pool = slice.Pool,
            Attempts = settings.Attempts,
        };
        switch (await checkpoints.ClaimAsync(request, cancellationToken))
        {
            case ClaimOutcome.Claimed { Claim: var claim }:
                abandoned.TryRemove((slice.Run, role), out _);
                return claim;
            case ClaimOutcome.NotYet:
                return null; // the reconciler sends it again when its wait is over
            case ClaimOutcome.Poisoned { Head: var head }:
                await QuarantineAsync(slice.Run, role, head, cancellationToken);
                return null;
            default:
                return null;
        }
    }

    private async Task<SliceEnd> TrainAsync(
        RunDocument document, RoleClaim claim, TrainSlice slice, long target, long received, CancellationToken cancellationToken)
    {
        presence.Begin(document.Name, claim.Role);
        RoleSlice? training = null;
        var isForgiven = false;
        var renewal = new OwnerRenewal(checkpoints, claim, settings.OwnerTimeout, time);
        try
        {
            if (claim.TakenFrom is { } silent && silent != worker.Name)
            {
                await TellAsync(document.Name, claim.Role, RunEvent.TakenOver, $"{claim.Role}: {silent} was silent, {worker.Name} goes on from step {claim.Head.Step} at epoch {claim.Epoch}");
            }

            var kept = await WarmUpAsync(document, claim, cancellationToken);
            training = new RoleSlice(checkpoints, settings, gate, queue, stop, progress, time, kept, claim, renewal, slice.Pool, target, received);
            var end = await training.RunAsync(cancellationToken);
            isForgiven = end.Why is SliceEndKind.Stopped or SliceEndKind.Lost;
            return end;
        }
        catch (OperationCanceledException) when (training is null && stop.Token.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            isForgiven = true; // winding down while it loads: no fault of the role's
            return new SliceEnd(claim.Head.Step, SliceEndKind.Stopped);
        }
        catch (Exception e) when (e is NonFiniteStepException or CheckpointException or NumericsMismatchException)
        {
            await renewal.DisposeAsync();
            if (!await checkpoints.RenewAsync(claim, cancellationToken))
            {
                // A worker that slept may find that what it was about to load was swept by whoever trains the role now: no fault of the role's.
                isForgiven = true;
                progress.Notice($"{claim.Role} was taken over by another worker; this slice is dropped ({e.Message}).");
                return new SliceEnd(claim.Head.Step, SliceEndKind.Lost);
            }

            // Beyond what another try can mend: the role waits for a person, the others go on.
            await FailAsync(document.Name, claim.Role, new RoleFailure(e.Message, slice.FromStep, time.GetUtcNow(), claim.Epoch), refused: e is not NonFiniteStepException, cancellationToken);
            return new SliceEnd(claim.Head.Step, SliceEndKind.Lost);
        }
        catch (Exception e)
        {
            isForgiven = e is OperationCanceledException or UserErrorException || Faults.MayPass(e);
            throw;
        }
        finally
        {
            await renewal.DisposeAsync();
            presence.End(document.Name, claim.Role, training is { HasCommitted: true }, isForgiven, training?.Rate ?? 0);
            if (warm is { IsWhole: false } || training is { IsDone: true })
            {
                await CoolAsync();
            }

            await ReleaseAsync(claim, isForgiven && training is not { HasCommitted: true });
        }
    }

    /// <summary>A trainer that stands where the claim's head does: the one kept from the role's last slice, or a new one.</summary>
    private async Task<WarmRole> WarmUpAsync(RunDocument document, RoleClaim claim, CancellationToken cancellationToken)
    {
        if (warm is { IsWhole: true } kept && kept.IsOf(document, claim.Role) && CheckpointStore.GoOn(claim, kept.ManifestSha256))
        {
            return kept;
        }

        await CoolAsync(); // before the next is loaded: two may not fit
        using var winding = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stop.Token);
        cancellationToken = winding.Token; // nothing of a load is worth the notice
        var trainer = await trainers.OpenAsync(document, claim.Role, cancellationToken);
        warm = new WarmRole(document, claim.Role, trainer) { Local = await OpenLocalAsync(document, claim.Role, cancellationToken) };
        if (await TryGoOnAsync(claim, warm, cancellationToken))
        {
            return warm;
        }

        var parent = await checkpoints.OpenAsync(claim, trainer.DataManifestSha256, cancellationToken);
        foreach (var skipped in parent?.Skipped ?? [])
        {
            var text = $"{claim.Role} goes on from step {parent!.Manifest.Step}, an earlier checkpoint than its newest: {skipped}";
            await reports.HappenedAsync(document.Name, claim.Role, RunEvent.FellBack, text, cancellationToken);
            progress.Notice(text);
        }

        await trainer.LoadAsync(parent, cancellationToken);
        (warm.ManifestSha256, warm.CommittedStep, warm.CommittedAt) = (parent?.ManifestSha256, parent?.Manifest.Step ?? 0, parent?.Manifest.CommittedAt);
        warm.IsWhole = true;
        return warm;
    }

    // Once a process: folders of runs that went on elsewhere would fill the disk.
    private async Task<LocalRole?> OpenLocalAsync(RunDocument document, Role role, CancellationToken cancellationToken)
    {
        if (Local is not null && !isSwept)
        {
            isSwept = true;
            try
            {
                await Local.ForgetOldAsync(LocalAge, cancellationToken);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or UserErrorException)
            {
                // what needs the folder says what is wrong with it
            }
        }

        return Local is null ? null : new LocalRole(Local, document, role, progress);
    }

    /// <summary>Loads what this machine kept of steps after the head's checkpoint, which then need not be read over a slow line.</summary>
    private async Task<bool> TryGoOnAsync(RoleClaim claim, WarmRole role, CancellationToken cancellationToken)
    {
        if (role.Local is null || await role.Local.OpenAsync(claim, role.Trainer.DataManifestSha256, cancellationToken) is not { } kept || !CheckpointStore.GoOn(claim, claim.Head.ManifestSha256))
        {
            return false;
        }

        await role.Trainer.LoadAsync(kept, cancellationToken);
        (role.ManifestSha256, role.CommittedStep, role.IsWhole) = (claim.Head.ManifestSha256, claim.Head.Step, true);
        progress.Notice($"{claim.Role} goes on from step {kept.Manifest.Step}, kept on this machine; step {claim.Head.Step} is committed.");
        return true;
    }

    // For people; never in the way of the work.
    private async Task TellAsync(string run, Role role, string kind, string text)
    {
        using var patience = new CancellationTokenSource(LongestTelling, time);
        try
        {
            await reports.HappenedAsync(run, role, kind, text, patience.Token);
        }
        catch (Exception e) when (Faults.MayPass(e))
        {
            progress.Notice(text);
        }
    }

    private async Task CoolAsync()
    {
        if (warm is { } old)
        {
            warm = null;
            await old.Trainer.DisposeAsync();
        }
    }

    private async Task QuarantineAsync(string run, Role role, RoleHead head, CancellationToken cancellationToken)
    {
        var reason = $"{head.Attempts} slices in a row ended without a commit, on {string.Join(", ", head.Tried ?? [])}: it is set aside at step {head.Step}. "
            + "Look at the run's events and the workers' logs, then take it up again with 'ddm retry'.";
        await reports.HappenedAsync(run, role, RunEvent.Quarantined, $"{role}: {reason}", cancellationToken);
        await FailAsync(run, role, new RoleFailure(reason, head.Step, time.GetUtcNow(), head.Epoch), refused: false, cancellationToken);
        await sender.AdvancedAsync(run, role.Path, cancellationToken);
    }

    private async Task FailAsync(string run, Role role, RoleFailure failure, bool refused, CancellationToken cancellationToken)
    {
        await reports.FailedAsync(run, role, failure, refused, cancellationToken);
        progress.Notice($"{role} failed: {failure.Reason}");
    }

    private string? FindReasonToDecline(RunDocument document, Role role) => settings.IsAlone ? null
        : presence.Cordoned is { } cordoned ? cordoned
        : trainers.CanTrain(document.Numerics[role.Path]) ? null
        : $"it cannot compute in the numerics class [{document.Numerics[role.Path]}]";

    // Held for a while, so that this worker does not empty the queue before those that can.
    private async Task DeclineAsync(TrainSlice slice, string reason, CancellationToken cancellationToken)
    {
        if (declined is not { } told || told.Reason != reason || time.GetElapsedTime(told.At) >= BetweenTellings)
        {
            declined = (reason, time.GetTimestamp());
            progress.Notice($"{worker.Name} declines {slice.RolePath} of run '{slice.Run}': {reason}.");
        }

        presence.Decline(slice, reason);
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stop.Token);
        try
        {
            await Task.Delay(BeforeDeclining, time, waiting.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // winding down: others get it at once
        }

        var head = await checkpoints.ReadHeadAsync(slice.Run, Role.Parse(slice.RolePath), cancellationToken);
        if ((head?.Step ?? 0) == slice.FromStep && (head?.Pool ?? slice.Pool) == slice.Pool)
        {
            await sender.SendAsync(slice, cancellationToken);
        }
    }

    private async Task<bool> TrySendAsync(TrainSlice slice, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(LongestSend, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            await sender.SendAsync(slice, either.Token);
            return true;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && e is not OutOfMemoryException)
        {
            return false;
        }
    }

    // Also after an error that is tried again: the next try must find the role free. A failure here must not hide that error.
    private async Task ReleaseAsync(RoleClaim claim, bool isForgiven)
    {
        try
        {
            if (isForgiven)
            {
                await checkpoints.ForgiveAsync(claim, CancellationToken.None);
            }

            await checkpoints.ReleaseAsync(claim, CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or UserErrorException)
        {
            abandoned[(claim.Run, claim.Role)] = true;
            progress.Notice($"{claim.Role} could not be given back ({e.Message}): this process takes it again at once, others when its owner record has aged.");
        }
    }
}
