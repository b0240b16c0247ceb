using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>Renews this worker's record while the process lives, and takes it away at its end.</summary>
internal abstract class PresenceLoop(TimeProvider time, ILogger log) : BackgroundService
{
    private static readonly TimeSpan Every = WorkerDirectory.Timeout / 4;

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await LeaveAsync(cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            log.LogInformation("This worker's record was not taken away ({Reason}); it ages by itself", e.Message);
        }
    }

    /// <summary>Says that this worker lives.</summary>
    protected abstract Task RenewAsync(CancellationToken cancellationToken);

    /// <summary>Takes the record away, where nobody needs it any more.</summary>
    protected abstract Task LeaveAsync(CancellationToken cancellationToken);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RenewAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested) // whatever it is, it must not end the process
            {
                log.LogWarning("This worker's record could not be renewed: {Reason}", e.Message);
            }

            await Task.Delay(Every, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
