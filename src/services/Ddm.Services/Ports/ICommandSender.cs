using Ddm.Runs;

namespace Ddm.Services;

/// <summary>The way to other workers.</summary>
public interface ICommandSender
{
    /// <summary>Puts a command into its queue.</summary>
    Task SendAsync(IRunCommand command, CancellationToken cancellationToken);

    /// <summary>Tells the control plane that something of this run has finished or failed.</summary>
    Task AdvancedAsync(string run, CancellationToken cancellationToken);

    /// <summary>As the other overload, where one role's is all that is new.</summary>
    Task AdvancedAsync(string run, string role, CancellationToken cancellationToken) => AdvancedAsync(run, cancellationToken);

    /// <summary>
    /// Puts a command that this process took and will not do back into its queue. Where queues live as long as the process there is nothing to do: the next look
    /// at the run finds the work undone.
    /// </summary>
    Task ReturnAsync(IRunCommand command, CancellationToken cancellationToken) => Task.CompletedTask;
}
