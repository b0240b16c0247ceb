using Ddm.Storage;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Ddm.Services;

/// <summary>Whether the store answers.</summary>
internal sealed class StoreHealthCheck(IBlobStore blobs) : IHealthCheck
{
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await blobs.ExistsAsync("health/probe.json", cancellationToken).WaitAsync(LongestAnswer, cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            return HealthCheckResult.Unhealthy($"The store does not answer: {e.Message}");
        }
    }
}
