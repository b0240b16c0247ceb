using Ddm.Runs;
using Ddm.Services;

namespace Ddm.Simulation.Tests;

/// <summary>What stands around a handler in a process: trouble with store and broker is waited out, as long as the process lives and is not asked to stop.</summary>
internal static class Patience
{
    public static async Task HandleAsync<TCommand>(
        World world, SimulatedProcess process, ICommandHandler<TCommand> handler, TCommand command, ICommandSender sender, StopSignal stop)
        where TCommand : class, IRunCommand
    {
        for (var failed = false; !stop.Token.IsCancellationRequested; failed = true)
        {
            try
            {
                await handler.HandleAsync(command, CancellationToken.None);
                if (failed)
                {
                    await sender.AdvancedAsync(command.Run, CancellationToken.None);
                }

                return;
            }
            catch (IOException e)
            {
                world.Note(process.Name, "fails", e.Message);
                await Task.Delay(world.About(TimeSpan.FromSeconds(5)), process.Clock);
            }
        }
    }
}
