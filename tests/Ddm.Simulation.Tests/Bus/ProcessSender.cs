using Ddm.Runs;
using Ddm.Services;

namespace Ddm.Simulation.Tests;

/// <summary>A process's way to the broker, with confirms: it waits while the broker is away, for a time, and may fail before or after the broker has the message.</summary>
internal sealed class ProcessSender(World world, SimulatedBus bus, SimulatedProcess process, FaultPlan faults) : ICommandSender
{
    private static readonly TimeSpan Usual = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public Task SendAsync(IRunCommand command, CancellationToken cancellationToken) => PublishAsync(command, cancellationToken);

    public Task AdvancedAsync(string run, CancellationToken cancellationToken) => PublishAsync(new RunAdvanced(run), cancellationToken);

    public Task AdvancedAsync(string run, string role, CancellationToken cancellationToken) => PublishAsync(new RunAdvanced(run, role), cancellationToken);

    public Task ReturnAsync(IRunCommand command, CancellationToken cancellationToken) => PublishAsync(command, cancellationToken);

    private Task PublishAsync(object message, CancellationToken cancellationToken)
    {
        if (world.Running != process)
        {
            world.Fail($"{process.Name}: {message} comes from outside the simulation");
        }

        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled(cancellationToken);
        }

        var confirmed = new TaskCompletionSource();
        var watch = cancellationToken.Register(() => confirmed.TrySetCanceled(cancellationToken));
        var (since, fails, reaches) = (world.Now, world.Now < faults.Until && world.Chance(faults.SendFailsOneIn), world.Chance(2));
        world.After(world.About(Usual), Arrive);
        return confirmed.Task;

        void Arrive()
        {
            if (process is { Alive: true } && (!bus.IsUp || process.BusCut) && world.Now - since < Patience)
            {
                world.After(world.About(LookAgain), Arrive);
                return;
            }

            var there = bus.IsUp && !process.BusCut && (!fails || reaches);
            if (there)
            {
                bus.Take(process, message);
            }

            world.After(world.About(Usual), () =>
            {
                watch.Dispose();
                if (fails || !there)
                {
                    confirmed.TrySetException(new IOException($"sending {message}: the broker did not confirm"));
                    return;
                }

                confirmed.TrySetResult();
            });
        }
    }
}
