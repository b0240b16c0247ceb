using Ddm.Runs;

namespace Ddm.Services;

/// <summary>The way to other workers.</summary>
public interface ICommandSender
{
    /// <summary>Puts a command into its queue.</summary>
    Task SendAsync(IRunCommand command, CancellationToken cancellationToken);

    /// <summary>Tells the control plane that something of this run has finished or failed.</summary>
    Task AdvancedAsync(string run, CancellationToken cancellationToken);
}
