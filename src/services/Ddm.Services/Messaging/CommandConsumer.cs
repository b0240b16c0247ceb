using Ddm.Runs;
using MassTransit;

namespace Ddm.Services;

/// <summary>The MassTransit side of a command: hands it to its handler.</summary>
internal sealed class CommandConsumer<TCommand>(CommandRunner<TCommand> runner) : IConsumer<TCommand>
    where TCommand : class, IRunCommand
{
    /// <inheritdoc/>
    public Task Consume(ConsumeContext<TCommand> context) => runner.RunAsync(context.Message, context.CancellationToken);
}
