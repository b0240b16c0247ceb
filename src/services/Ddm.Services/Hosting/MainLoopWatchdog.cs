using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Ddm.Services;

/// <summary>
/// Whether the process itself still works: its thread pool runs timers, and its device has not been at one piece of work for ever. Neither broker nor store has a say:
/// restarting every worker because the broker is away would lose their steps and bring nothing back.
/// </summary>
internal sealed class MainLoopWatchdog(DeviceThread device, WorkerSettings settings, TimeProvider time) : BackgroundService, IHealthCheck
{
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(60);
    private long beatAt = time.GetTimestamp();

    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var silent = time.GetElapsedTime(Interlocked.Read(ref beatAt));
        var busy = device.BusyFor;
        return Task.FromResult(silent > LongestSilence ? HealthCheckResult.Unhealthy(Say("the process has run no timer", silent))
            : busy > settings.StuckAfter ? HealthCheckResult.Unhealthy(Say("the device has been at one piece of work", busy))
            : HealthCheckResult.Healthy());
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Beat, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                Interlocked.Exchange(ref beatAt, time.GetTimestamp());
            }
        }
        catch (OperationCanceledException)
        {
            // stopping
        }
    }

    private static string Say(string what, TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{what} for {time.TotalSeconds:F0} s");
}
