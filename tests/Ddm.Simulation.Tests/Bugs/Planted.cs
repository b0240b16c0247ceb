using Ddm.Services;
using Ddm.Storage;

namespace Ddm.Simulation.Tests;

/// <summary>A bug put into every worker from outside, to see that the simulation finds it.</summary>
internal sealed record Planted
{
    /// <summary>Stands between a worker and its store.</summary>
    public Func<IBlobStore, ICommandSender, SimulatedProcess, IBlobStore> Store { get; init; } = (store, _, _) => store;

    /// <summary>What a worker believes of other workers.</summary>
    public Func<string, bool> IsKnownDead { get; init; } = _ => false;

    public static Planted Nothing { get; } = new();
}
