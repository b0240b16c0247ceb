using Ddm.Runs;
using MassTransit;

namespace Ddm.Services;

/// <summary>The MassTransit side of the reconciler.</summary>
internal sealed class RunAdvancedConsumer(Reconciler reconciler, StopSignal stop) : IConsumer<RunAdvanced>
{
    /// <inheritdoc/>
    public Task Consume(ConsumeContext<RunAdvanced> context)
        => stop.Token.IsCancellationRequested ? Task.CompletedTask : reconciler.ReconcileAsync(context.Message.Run, context.CancellationToken);
}
