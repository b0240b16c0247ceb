namespace Ddm.Simulation.Tests;

/// <summary>A promise was broken.</summary>
internal sealed class ViolationException(string message) : Exception(message);
