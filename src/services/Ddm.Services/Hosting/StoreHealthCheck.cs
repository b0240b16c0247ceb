using Ddm.Storage;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>Whether the store answers. Probes need no key, so that names of accounts and containers are for the log alone.</summary>
internal sealed class StoreHealthCheck(IBlobStore blobs, ILogger<StoreHealthCheck> log) : IHealthCheck
{
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken); // a request that nobody waits for any more must end, or they pile up
        patience.CancelAfter(LongestAnswer);
        try
        {
            await blobs.ExistsAsync("health/probe.json", patience.Token).WaitAsync(patience.Token);
            return HealthCheckResult.Healthy();
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            log.LogWarning("The store does not answer: {Reason}", e is OperationCanceledException ? $"nothing within {LongestAnswer.TotalSeconds:F0} s" : e.Message);
            return HealthCheckResult.Unhealthy("The store does not answer, or refuses this service. The log says why.");
        }
    }
}
