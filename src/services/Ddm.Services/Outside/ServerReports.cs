using Ddm.Runs;

namespace Ddm.Services;

/// <summary>Reports that a control plane writes in this worker's stead.</summary>
internal sealed class ServerReports(ServerConnection server, OutsideSession session) : IRoleReports
{
    /// <inheritdoc/>
    public Task FailedAsync(string run, Role role, RoleFailure failure, bool refused, CancellationToken cancellationToken) => server.TellAsync(
        "/claims/fail", new FailureBody(new OutsideClaim(run, role.Path, session.Identity.Name, failure.Epoch), failure.Reason), ServerConnection.OverRestart, OutsidePatience.Short, cancellationToken);

    /// <inheritdoc/>
    public Task HappenedAsync(string run, Role role, string kind, string text, CancellationToken cancellationToken) => server.TellAsync(
        "/events", new EventBody(new OutsideClaim(run, role.Path, session.Identity.Name, 0), kind, text), ServerConnection.OverRestart, OutsidePatience.Short, cancellationToken);
}
