using Ddm.Runs;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>Sends over the broker, which confirms what it took. A broker that is away is waited for; once the process winds down not for long, since the control plane sends again what is missing.</summary>
internal sealed class BrokerSender(IOutgoingBus bus, StopSignal stop, TimeProvider time, ILogger<BrokerSender> log) : ICommandSender
{
    private static readonly TimeSpan LongestTry = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan LongestGoodbye = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public async Task SendAsync(IRunCommand command, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            var last = stop.Token.IsCancellationRequested;
            try
            {
                await SendAsync(QueueNames.For(command), command, last ? LongestGoodbye : LongestTry, cancellationToken);
                return;
            }
            catch (Exception e) when (Faults.MayPass(e) && !cancellationToken.IsCancellationRequested)
            {
                if (last)
                {
                    log.LogWarning("{Command} could not be sent ({Reason}); the control plane will send it again", command, e.Message);
                    return;
                }

                log.LogWarning("{Command} could not be sent ({Reason}), try {Tries}", command, e.Message, tries);
            }

            await PauseAsync(cancellationToken);
        }
    }

    /// <summary>Once: a control plane that does not hear of it looks by itself.</summary>
    public Task AdvancedAsync(string run, CancellationToken cancellationToken) => AdvancedAsync(new RunAdvanced(run), cancellationToken);

    /// <inheritdoc/>
    public Task AdvancedAsync(string run, string role, CancellationToken cancellationToken) => AdvancedAsync(new RunAdvanced(run, role), cancellationToken);

    /// <inheritdoc/>
    public Task ReturnAsync(IRunCommand command, CancellationToken cancellationToken) => SendAsync(command, cancellationToken);

    private async Task AdvancedAsync(RunAdvanced message, CancellationToken cancellationToken)
    {
        try
        {
            await SendAsync(QueueNames.ControlPlane, message, LongestGoodbye, cancellationToken);
        }
        catch (Exception e) when (Faults.MayPass(e) && !cancellationToken.IsCancellationRequested)
        {
            log.LogDebug("Nobody could be told that run {Run} advanced ({Reason})", message.Run, e.Message);
        }
    }

    private async Task SendAsync(string exchange, object message, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(limit, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        var endpoint = await bus.GetSendEndpoint(new Uri("exchange:" + exchange)); // never the queue's name: that would declare it
        await endpoint.Send(message, message.GetType(), linked.Token);
    }

    private async Task PauseAsync(CancellationToken cancellationToken)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stop.Token);
        await Task.Delay(Pause, time, linked.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
