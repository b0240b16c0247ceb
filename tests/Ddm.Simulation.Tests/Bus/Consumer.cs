namespace Ddm.Simulation.Tests;

/// <summary>A process's consumer of a queue, one message at a time.</summary>
internal sealed class Consumer(SimulatedProcess process, string queue, Func<object, Task> handle)
{
    public SimulatedProcess Process => process;

    public string Queue => queue;

    public bool Connected { get; set; } = true;

    /// <summary>What it has not acknowledged yet.</summary>
    public Delivery? Current { get; set; }

    public bool IsIdle => Connected && Current is null && process is { Alive: true, Paused: false, BusCut: false };

    public Task HandleAsync(object message) => handle(message);
}
