using Ddm.Runs;
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
            await reconciler.ReconcileAsync(run, context.CancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            log.LogError(e, "Looking at run {Run} failed", run);
            var failed = await runs.UpdateAsync(
                run,
                document => document with { Status = RunStatus.Failed, Failure = $"The control plane could not go on at stage {document.Stage}: {e.Message}" },
                context.CancellationToken);
            progress.Ended(failed);
        }
    }
}
