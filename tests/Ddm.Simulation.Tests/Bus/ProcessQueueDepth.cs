using Ddm.Services;

namespace Ddm.Simulation.Tests;

/// <summary>How many messages wait, as a process that can reach the broker hears.</summary>
internal sealed class ProcessQueueDepth(World world, SimulatedBus bus, SimulatedProcess process) : IQueueDepth
{
    private static readonly TimeSpan Usual = TimeSpan.FromMilliseconds(20);

    public async Task<int?> CountAsync(string pool, CancellationToken cancellationToken)
    {
        await Task.Delay(world.About(Usual), process.Clock, cancellationToken);
        return bus.IsUp && !process.BusCut ? bus.Waiting(QueueNames.Train(pool)) : null;
    }
}
