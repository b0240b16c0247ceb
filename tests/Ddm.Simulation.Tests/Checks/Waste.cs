using Ddm.Runs;

namespace Ddm.Simulation.Tests;

/// <summary>Steps made, to be held against steps committed.</summary>
internal sealed class Waste
{
    public long Steps { get; private set; }

    /// <summary>Faults that may each cost a slice of training.</summary>
    public int Faults { get; set; }

    public void Made(Role role) => Steps++;
}
