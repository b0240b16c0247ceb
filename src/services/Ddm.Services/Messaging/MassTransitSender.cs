using Ddm.Runs;
using MassTransit;

namespace Ddm.Services;

/// <summary>Sends over whatever transport the process has. Commands go to <c>exchange:NAME</c>: sending must never declare the queue, whose arguments belong to its consumer.</summary>
internal sealed class MassTransitSender(IBus bus) : ICommandSender
{
    /// <inheritdoc/>
    public async Task SendAsync(IRunCommand command, CancellationToken cancellationToken)
    {
        var endpoint = await bus.GetSendEndpoint(new Uri("exchange:" + QueueNames.For(command)));
        await endpoint.Send(command, command.GetType(), cancellationToken);
    }

    /// <inheritdoc/>
    public Task AdvancedAsync(string run, CancellationToken cancellationToken) => AdvancedAsync(new RunAdvanced(run), cancellationToken);

    /// <inheritdoc/>
    public Task AdvancedAsync(string run, string role, CancellationToken cancellationToken) => AdvancedAsync(new RunAdvanced(run, role), cancellationToken);

    private async Task AdvancedAsync(RunAdvanced message, CancellationToken cancellationToken)
    {
        var endpoint = await bus.GetSendEndpoint(new Uri("exchange:" + QueueNames.ControlPlane));
        await endpoint.Send(message, cancellationToken);
    }
}
