using Ddm.Runs;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>
/// Sends over the broker, which confirms what it took. A broker that is away is waited for; once the process winds down not for long, since the control plane sends again
/// what is missing. The control plane itself does not wait at all: one run's message must hold up neither the other runs nor a person's request.
/// </summary>
internal sealed class BrokerSender(IOutgoingBus bus, PoolQueues queues, LocalKeeper keeper, StopSignal stop, TimeProvider time, ILogger<BrokerSender> log) : ICommandSender
{
    /// <summary>Longest wait of a control plane.</summary>
    public static readonly TimeSpan Prompt = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan LongestTry = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan LongestGoodbye = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public Task SendAsync(IRunCommand command, CancellationToken cancellationToken)
        => keeper.Exists ? SendPromptlyAsync(command, cancellationToken) : SendPatientlyAsync(command, cancellationToken);

    /// <inheritdoc/>
    public Task AdvancedAsync(string run, CancellationToken cancellationToken) => AdvancedAsync(new RunAdvanced(run), cancellationToken);

    /// <inheritdoc/>
    public Task AdvancedAsync(string run, string role, CancellationToken cancellationToken) => AdvancedAsync(new RunAdvanced(run, role), cancellationToken);

    /// <inheritdoc/>
    public Task ReturnAsync(IRunCommand command, CancellationToken cancellationToken) => SendPatientlyAsync(command, cancellationToken);

    private async Task SendPromptlyAsync(IRunCommand command, CancellationToken cancellationToken)
    {
        try
        {
            await SendAsync(command, Prompt, cancellationToken);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"The broker did not take {command.GetType().Name} of run '{command.Run}' within {Prompt.TotalSeconds:F0} s.", e);
        }
    }

    private async Task SendPatientlyAsync(IRunCommand command, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            var last = stop.Token.IsCancellationRequested;
            try
            {
                await SendAsync(command, last ? LongestGoodbye : LongestTry, cancellationToken);
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

    // Once: a control plane that does not hear of it looks by itself.
    private async Task AdvancedAsync(RunAdvanced message, CancellationToken cancellationToken)
    {
        keeper.Wake?.Invoke(message.Run, message.Role);
        using var patience = new CancellationTokenSource(LongestGoodbye, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            await SendAsync(QueueNames.ControlPlane, message, linked.Token);
        }
        catch (Exception e) when (Faults.MayPass(e) && !cancellationToken.IsCancellationRequested)
        {
            log.LogDebug("Nobody could be told that run {Run} advanced ({Reason})", message.Run, e.Message);
        }
    }

    private async Task SendAsync(IRunCommand command, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(limit, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        if (command is TrainSlice slice)
        {
            await queues.RequireAsync(slice.Pool, linked.Token);
        }

        await SendAsync(QueueNames.For(command), command, linked.Token);
    }

    private async Task SendAsync(string exchange, object message, CancellationToken cancellationToken)
    {
        var endpoint = await bus.GetSendEndpoint(new Uri("exchange:" + exchange)); // never the queue's name: that would declare it
        await endpoint.Send(message, message.GetType(), cancellationToken);
    }

    private async Task PauseAsync(CancellationToken cancellationToken)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stop.Token);
        await Task.Delay(Pause, time, linked.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
