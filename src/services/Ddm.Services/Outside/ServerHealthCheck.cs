using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Ddm.Services;

/// <summary>Whether the control plane has answered of late.</summary>
internal sealed class ServerHealthCheck(ServerConnection server) : IHealthCheck
{
    private static readonly TimeSpan Longest = OutsidePatience.Take + OutsidePatience.Take;

    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        server.SinceAnswer is { } since && since < Longest ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy($"The control plane at {server.Place} does not answer."));
}
