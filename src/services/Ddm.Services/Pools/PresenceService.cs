using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>The record of a worker beside the store, which first takes over what its machine's dead processes left.</summary>
internal sealed class PresenceService(WorkerPresence presence, WorkerDirectory directory, TimeProvider time, ILogger<PresenceService> log) : PresenceLoop(time, log)
{
    private bool hasInherited;

    /// <inheritdoc/>
    protected override async Task RenewAsync(CancellationToken cancellationToken)
    {
        if (!hasInherited)
        {
            await presence.InheritAsync(await directory.ReadAsync(cancellationToken), cancellationToken);
            hasInherited = true;
            await directory.SweepAsync(cancellationToken);
        }

        await presence.RenewAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override Task LeaveAsync(CancellationToken cancellationToken) => presence.LeaveAsync(cancellationToken);
}
