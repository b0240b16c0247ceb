namespace Ddm.Services;

/// <summary>What stands on the broker.</summary>
/// <param name="Queues">The queues, without the one for dead letters.</param>
/// <param name="Made">Those that were not there before, the one for dead letters among them.</param>
/// <param name="Version">The broker's; 0.0 where it does not say.</param>
public sealed record TopologyState(IReadOnlyList<string> Queues, IReadOnlyList<string> Made, Version Version);
