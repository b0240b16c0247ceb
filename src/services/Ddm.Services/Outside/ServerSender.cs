using Ddm.Runs;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>Slices and wake-ups that a control plane sends in this worker's stead. One that does not get through is lost, which costs time alone.</summary>
internal sealed class ServerSender(ServerConnection server, OutsideSession session, ILogger<ServerSender> log) : ICommandSender
{
    /// <inheritdoc/>
    public Task SendAsync(IRunCommand command, CancellationToken cancellationToken) => command is TrainSlice slice
        ? server.TellAsync("/slices", new SliceBody(session.Identity.Name, slice), ServerConnection.Once, OutsidePatience.Short, cancellationToken)
        : throw new ArgumentException($"A worker outside sends slices alone, not {command.GetType().Name}.", nameof(command));

    /// <inheritdoc/>
    public Task AdvancedAsync(string run, CancellationToken cancellationToken) => AdvancedAsync(run, session.Current.Role, cancellationToken);

    /// <inheritdoc/>
    public async Task AdvancedAsync(string run, string role, CancellationToken cancellationToken)
    {
        try
        {
            var claim = new OutsideClaim(run, role, session.Identity.Name, 0);
            await server.TellAsync("/advanced", new AdvancedBody(claim), ServerConnection.Once, OutsidePatience.Brief, cancellationToken);
        }
        catch (Exception e) when (Faults.MayPass(e) && !cancellationToken.IsCancellationRequested)
        {
            log.LogDebug("Nobody could be told that run {Run} advanced ({Reason})", run, e.Message);
        }
    }

    /// <inheritdoc/>
    public async Task ReturnAsync(IRunCommand command, CancellationToken cancellationToken)
    {
        try
        {
            await SendAsync(command, cancellationToken);
        }
        catch (Exception e) when (Faults.MayPass(e) && !cancellationToken.IsCancellationRequested)
        {
            log.LogInformation("{Command} could not be given back ({Reason}); the control plane will send it again", command, e.Message);
        }
    }
}
