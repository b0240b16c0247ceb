using Ddm.Runs;

namespace Ddm.Services;

/// <summary>
/// What one kind of command does, as a plain async function over ports (store, sender, clock). Called by the MassTransit adapter of every
/// dress, embedded or distributed. Safe to call twice with the same command: a message is a wake-up, never the truth.
/// </summary>
/// <typeparam name="TCommand">The command.</typeparam>
public interface ICommandHandler<in TCommand>
    where TCommand : class, IRunCommand
{
    /// <summary>Does the work, or finds it done.</summary>
    Task HandleAsync(TCommand command, CancellationToken cancellationToken);
}
