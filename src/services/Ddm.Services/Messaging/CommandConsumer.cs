using Ddm.Runs;
using MassTransit;

namespace Ddm.Services;

/// <summary>The MassTransit side of a command: hands it to its handler. The transport's own token is left alone: it falls with the connection, and the work outlives that.</summary>
internal sealed class CommandConsumer<TCommand>(CommandRunner<TCommand> runner, TimeProvider time) : IConsumer<TCommand>
    where TCommand : class, IRunCommand
{
    /// <inheritdoc/>
    public Task Consume(ConsumeContext<TCommand> context)
    {
        if (context.SentTime is { } sent)
        {
            DdmTelemetry.QueueWait.Record(Math.Max(0, (time.GetUtcNow() - sent).TotalSeconds), DdmTelemetry.Command(context.Message));
        }

        return runner.RunAsync(context.Message, CancellationToken.None);
    }
}
