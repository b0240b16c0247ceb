namespace Ddm.Simulation.Tests;

/// <summary>Where the continuations of a process go: into the world's list, to be run when the dice says so, or never.</summary>
internal sealed class ProcessContext(World world, SimulatedProcess process) : SynchronizationContext
{
    public override void Post(SendOrPostCallback d, object? state) => world.Ready(process, d, state);

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("Nothing in a simulated process may block.");

    public override SynchronizationContext CreateCopy() => this;
}
