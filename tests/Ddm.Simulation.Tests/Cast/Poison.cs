using Ddm.Runs;

namespace Ddm.Simulation.Tests;

/// <summary>A role that kills whoever makes this step of it.</summary>
internal sealed record Poison(Role Role, long Step);
