using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>Renews this worker's record while the process lives, and takes over first what its machine's dead processes left.</summary>
internal sealed class PresenceService(WorkerPresence presence, WorkerDirectory directory, TimeProvider time, ILogger<PresenceService> log) : BackgroundService
{
    private static readonly TimeSpan Every = WorkerDirectory.Timeout / 4;

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await presence.LeaveAsync(cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            log.LogInformation("This worker's record was not taken away ({Reason}); it ages by itself", e.Message);
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var hasInherited = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (!hasInherited)
                {
                    await presence.InheritAsync(await directory.ReadAsync(stoppingToken), stoppingToken);
                    hasInherited = true;
                    await directory.SweepAsync(stoppingToken);
                }

                await presence.RenewAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested) // whatever it is, it must not end the process
            {
                log.LogWarning("This worker's record could not be renewed: {Reason}", e.Message);
            }

            await Task.Delay(Every, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
