using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Ddm.Serving;

/// <summary>Looks now and then which expert hosts are there.</summary>
internal sealed class FleetWatch(ExpertFleet fleet, FleetSettings settings, TimeProvider time) : BackgroundService, IHealthCheck
{
    private readonly TaskCompletionSource looked = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Done after the first look at each.</summary>
    public Task Looked => looked.Task;

    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var (there, all) = (fleet.Links.Count(link => link.Seen is not null), fleet.Links.Count);
        var words = all == 0 ? null : $"{there} of {all} expert hosts are there.";
        return Task.FromResult(all > 0 && there == 0 ? HealthCheckResult.Unhealthy(words) : HealthCheckResult.Healthy(words));
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await Task.WhenAll(fleet.Links.Select(link => link.LookAsync(stoppingToken)));
            looked.TrySetResult();
            await Task.WhenAll(fleet.Links.Select(link => WatchAsync(link, stoppingToken)));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            looked.TrySetCanceled(stoppingToken); // the process stops
        }
    }

    private async Task WatchAsync(ExpertHostLink link, CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(settings.ProbeEvery, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await link.LookAsync(stoppingToken);
        }
    }
}
