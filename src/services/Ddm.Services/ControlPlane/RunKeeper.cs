using System.Collections.Concurrent;
using Ddm.Runs;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>
/// Looks at every unfinished run when something of it happened, and every so often by itself: that is how a lost message, a lost worker or a lost broker is found
/// out. All runs are listed at the start and rarely after: in between, wake-ups tell of new ones.
/// </summary>
internal sealed class RunKeeper(
    RunRepository runs, Reconciler reconciler, RunControl control, ReconcilerLeases leases, IRunProgress progress, WorkerSettings settings, TimeProvider time, ILogger<RunKeeper> log)
    : BackgroundService
{
    private static readonly TimeSpan ListEvery = TimeSpan.FromMinutes(10);

    // A look at a run reads a blob or two a role: with many roles it comes less often, so that looks cost little beside slices.
    private static readonly TimeSpan LookEveryRole = TimeSpan.FromSeconds(0.3);
    private readonly ConcurrentDictionary<string, bool> unfinished = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Run, string? Role), bool> woken = new();
    private readonly Dictionary<string, long> looked = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim wake = new(0, int.MaxValue);

    /// <summary>Says that something of a run happened. Returns at once.</summary>
    /// <param name="run">The run.</param>
    /// <param name="role">The one role that it is about; null: any may be.</param>
    public void Wake(string run, string? role = null)
    {
        if (RunName.IsValid(run) && woken.TryAdd((run, role), true))
        {
            wake.Release();
        }
    }

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await leases.ReleaseAsync(cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            log.LogInformation("Leases were not given back ({Reason}); they age by themselves", e.Message);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        wake.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var (listedAt, lookedAt) = ((long?)null, (long?)null);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (listedAt is not { } listed || time.GetElapsedTime(listed) >= ListEvery)
                {
                    await ListAsync(stoppingToken);
                    listedAt = time.GetTimestamp();
                }

                var all = lookedAt is not { } looked || time.GetElapsedTime(looked) >= settings.ReconcileEvery;
                lookedAt = all ? time.GetTimestamp() : lookedAt;
                foreach (var (run, role) in woken.Keys.ToArray())
                {
                    woken.TryRemove((run, role), out _); // before the look: what happens during it is looked at again
                    await LookAsync(run, role, isWoken: true, stoppingToken);
                }

                foreach (var run in all ? unfinished.Keys.ToArray() : [])
                {
                    await LookAsync(run, null, isWoken: false, stoppingToken);
                }

                await wake.WaitAsync(TimeLeft(lookedAt!.Value), stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                log.LogWarning(e, "Looking at the runs failed; looking again in {Seconds:F0} s", settings.ReconcileEvery.TotalSeconds);
                await Task.Delay(settings.ReconcileEvery, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private TimeSpan TimeLeft(long lookedAt)
    {
        var left = settings.ReconcileEvery - time.GetElapsedTime(lookedAt);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    /// <summary>Whether a run is to be looked at that nobody said anything about.</summary>
    /// <param name="document">The run.</param>
    /// <param name="since">Time since the last look.</param>
    internal static bool IsDue(RunDocument document, TimeSpan since)
        => document.Stage != RunStage.Train || since >= document.Roles.Count(role => role.Status == RoleStatus.Training) * LookEveryRole;

    private async Task ListAsync(CancellationToken cancellationToken)
    {
        foreach (var run in await runs.NamesAsync(cancellationToken))
        {
            unfinished.TryAdd(run, true);
        }
    }

    // Whoever takes the run up again wakes us. Until its roles are held it is looked at: workers may not have heard that it stopped.
    private async Task LeaveAsync(string run, RunDocument? document, CancellationToken cancellationToken)
    {
        if (document is { Status: RunStatus.Paused or RunStatus.Cancelled or RunStatus.Failed })
        {
            await control.EnforceAsync(document, cancellationToken);
        }

        unfinished.TryRemove(run, out _);
        looked.Remove(run);
        reconciler.Leave(run);
        await leases.ReleaseAsync(run, cancellationToken);
    }

    private async Task LookAsync(string run, string? role, bool isWoken, CancellationToken cancellationToken)
    {
        try
        {
            var found = (await runs.FindAsync(run, cancellationToken))?.Value;
            if (found is not { Status: RunStatus.Running } document)
            {
                await LeaveAsync(run, found, cancellationToken);
                return;
            }

            unfinished.TryAdd(run, true);
            if (await leases.HoldAsync(run, cancellationToken) && (isWoken || !looked.TryGetValue(run, out var at) || IsDue(document, time.GetElapsedTime(at))))
            {
                using var scope = RunScope.Enter(run);
                if (role is null)
                {
                    looked[run] = time.GetTimestamp();
                }

                await reconciler.ReconcileAsync(run, role, cancellationToken);
            }
        }
        catch (Exception e) when (Faults.IsFinal(e))
        {
            log.LogError("Run {Run} cannot go on: {Reason}", run, e.Message);
            reconciler.Leave(run); // a person may take it up before the next look sees that it stands
            if (await runs.FailAsync(run, e.Message, refused: true, cancellationToken) is { } unwritten)
            {
                unfinished.TryRemove(run, out _);
                progress.Ended(unwritten);
            }

            // else the next look sees to it that nobody trains it
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            log.LogWarning(e, "Looking at run {Run} failed; looking again in {Seconds:F0} s", run, settings.ReconcileEvery.TotalSeconds);
        }
    }
}
