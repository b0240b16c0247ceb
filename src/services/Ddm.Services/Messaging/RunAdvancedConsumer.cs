using Ddm.Runs;
using Ddm.Storage;
using MassTransit;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>The MassTransit side of the reconciler. A look that breaks is written into the run: nobody may wait for a run that no one looks at.</summary>
internal sealed class RunAdvancedConsumer(
    Reconciler reconciler, RunRepository runs, StopSignal stop, IRunProgress progress, ILogger<RunAdvancedConsumer> log) : IConsumer<RunAdvanced>
{
    /// <inheritdoc/>
    public async Task Consume(ConsumeContext<RunAdvanced> context)
    {
        if (stop.Token.IsCancellationRequested)
        {
            return;
        }

        var run = context.Message.Run;
        try
        {
            await reconciler.ReconcileAsync(run, context.Message.Role, context.CancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            log.LogError(e, "Looking at run {Run} failed", run);
            reconciler.Leave(run);
            var refused = e is UserErrorException or CheckpointException or InvalidDataException;
            var reason = refused ? e.Message : $"The control plane could not go on: {e.Message}";
            progress.Ended(await runs.FailAsync(run, reason, refused, context.CancellationToken) ?? await runs.GetAsync(run, context.CancellationToken));
        }
    }
}
