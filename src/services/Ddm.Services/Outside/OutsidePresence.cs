using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>Lets the control plane renew this worker's record while the process lives.</summary>
internal sealed class OutsidePresence(ServerConnection server, WorkerPresence presence, TimeProvider time, ILogger<OutsidePresence> log) : BackgroundService
{
    private static readonly TimeSpan Every = WorkerDirectory.Timeout / 4;

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            if (presence.Describe() is { Failures.Count: 0 } record)
            {
                await server.DeleteAsync($"/presence?worker={Uri.EscapeDataString(record.Name)}", OutsidePatience.Brief, cancellationToken);
            }
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            log.LogInformation("This worker's record was not taken away ({Reason}); it ages by itself", e.Message);
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var isWritten = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var answer = await server.AskAsync<PresenceAnswer>("/presence", presence.Describe(), ServerConnection.Once, OutsidePatience.Short, stoppingToken);
                if (isWritten && answer is { WasThere: false } && presence.Cordoned is not null)
                {
                    presence.Pardon();
                }

                isWritten = true;
            }
            catch (Exception e) when (Faults.MayPass(e) && !stoppingToken.IsCancellationRequested)
            {
                log.LogWarning("This worker's record could not be renewed: {Reason}", e.Message);
            }

            await Task.Delay(Every, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
