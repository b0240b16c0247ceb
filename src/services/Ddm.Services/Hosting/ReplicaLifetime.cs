using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>
/// Ends a process that a platform started for a message and will kill after a while: well before that it takes nothing new, lets what runs come to its end and stops
/// with exit code 0; so it does when it has found no work for some time.
/// </summary>
internal sealed class ReplicaLifetime(
    SliceGate gate, StopSignal stop, WorkerSettings settings, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<ReplicaLifetime> log) : BackgroundService
{
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(1);
    private readonly long started = time.GetTimestamp();
    private long quietSince = time.GetTimestamp();
    private long taken;

    /// <summary>Whether the settings ask for it.</summary>
    public static bool IsNeeded(WorkerSettings settings) => settings.ReplicaTimeout is not null || settings.ExitWhenIdle is not null;

    /// <summary>Looks once.</summary>
    /// <returns>Whether the process should end now.</returns>
    internal bool Look()
    {
        if (!gate.IsIdle || gate.Taken != taken)
        {
            (taken, quietSince) = (gate.Taken, time.GetTimestamp());
        }

        if (settings.DrainAfter is { } age && time.GetElapsedTime(started) >= age && !stop.IsDraining)
        {
            log.LogInformation("{Setting} is near: nothing new is taken, what runs comes to its end", SettingNames.ReplicaTimeout);
            stop.Drain();
        }

        return stop.IsDraining ? gate.IsIdle : settings.ExitWhenIdle is { } longest && time.GetElapsedTime(quietSince) >= longest;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            if (Look())
            {
                log.LogInformation("No work is left here: the process ends");
                lifetime.StopApplication();
                return;
            }

            await Task.Delay(Beat, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
