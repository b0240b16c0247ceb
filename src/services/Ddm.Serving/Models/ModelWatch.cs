using Ddm.Services;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ddm.Serving;

/// <summary>Looks now and then which versions are current. Ready once it has looked and something is served.</summary>
internal sealed class ModelWatch(ModelShelf shelf, FleetWatch hosts, ServingSettings settings, TimeProvider time, ILogger<ModelWatch> log) : BackgroundService, IHealthCheck
{
    private readonly TaskCompletionSource looked = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Done after the first look.</summary>
    public Task Looked => looked.Task;

    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var refused = shelf.Refused;
        return Task.FromResult(
            !looked.Task.IsCompleted ? HealthCheckResult.Unhealthy("Models are being loaded.")
            : shelf.Models.Count == 0 && refused.Count > 0 ? HealthCheckResult.Unhealthy(string.Join(" ", refused.Values))
            : HealthCheckResult.Healthy(string.Join(" ", refused.Values)));
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(settings.PollEvery, time);
        try
        {
            await hosts.Looked.WaitAsync(stoppingToken); // a model is no sooner ready than its experts may be
            do
            {
                try
                {
                    await shelf.RefreshAsync(stoppingToken);
                    looked.TrySetResult();
                }
                catch (Exception e) when (Faults.MayPass(e) && !stoppingToken.IsCancellationRequested)
                {
                    log.LogWarning("The store does not answer; models stay as they are: {Reason}", e.Message);
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // the process stops
        }
        finally
        {
            shelf.Clear();
        }
    }
}
