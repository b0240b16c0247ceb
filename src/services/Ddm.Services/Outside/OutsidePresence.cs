using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>The record of a worker outside, which the control plane keeps.</summary>
internal sealed class OutsidePresence(ServerConnection server, WorkerPresence presence, TimeProvider time, ILogger<OutsidePresence> log) : PresenceLoop(time, log)
{
    private bool isWritten;

    /// <inheritdoc/>
    protected override async Task RenewAsync(CancellationToken cancellationToken)
    {
        var answer = await server.AskAsync<PresenceAnswer>("/presence", presence.Describe(), ServerConnection.Once, OutsidePatience.Short, cancellationToken);
        if (isWritten && answer is { WasThere: false } && presence.Cordoned is not null)
        {
            presence.Pardon();
        }

        isWritten = true;
    }

    /// <inheritdoc/>
    protected override Task LeaveAsync(CancellationToken cancellationToken) => presence.Describe() is { Failures.Count: 0 } record
        ? server.DeleteAsync($"/presence?worker={Uri.EscapeDataString(record.Name)}", OutsidePatience.Brief, cancellationToken)
        : Task.CompletedTask;
}
