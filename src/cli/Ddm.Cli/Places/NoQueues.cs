using Ddm.Runs;
using Ddm.Services;

namespace Ddm.Cli;

/// <summary>Of a home folder: there is nobody to send to. Whoever trains there sees what was decided at its next look; else the next <c>ddm run</c> does.</summary>
internal sealed class NoQueues : ICommandSender
{
    public Task SendAsync(IRunCommand command, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task AdvancedAsync(string run, CancellationToken cancellationToken) => Task.CompletedTask;
}
