using Ddm.Runs;
using MassTransit;

namespace Ddm.Services;

/// <summary>The MassTransit side of a wake-up where control planes look by themselves too: notes that the run is due.</summary>
internal sealed class RunWakeConsumer(RunKeeper keeper) : IConsumer<RunAdvanced>
{
    /// <inheritdoc/>
    public Task Consume(ConsumeContext<RunAdvanced> context)
    {
        keeper.Wake(context.Message.Run, context.Message.Role);
        return Task.CompletedTask;
    }
}
