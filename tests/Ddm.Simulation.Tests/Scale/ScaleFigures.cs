namespace Ddm.Simulation.Tests;

/// <summary>What a steady state costs.</summary>
internal sealed record ScaleFigures
{
    /// <summary>Slices that ended with a commit and a successor.</summary>
    public required long Slices { get; init; }

    /// <summary>How long they took, all workers at once, in simulated time.</summary>
    public required TimeSpan Time { get; init; }

    /// <summary>Calls of the store by workers, for slices: claims, checkpoints read, committed and deleted.</summary>
    public required long SliceCalls { get; init; }

    /// <summary>Calls by which workers say that they and their roles' owners live: by the clock, however long slices are.</summary>
    public required long Beats { get; init; }

    /// <summary>Calls by control planes.</summary>
    public required long LookCalls { get; init; }

    /// <summary>Listings by workers.</summary>
    public required long Listings { get; init; }

    /// <summary>Pages of listings by control planes.</summary>
    public required long LookListings { get; init; }

    /// <summary>What control planes computed, on the machine that plays.</summary>
    public required TimeSpan ControlPlane { get; init; }

    /// <summary>All calls, by who and what.</summary>
    public required string Calls { get; init; }
}
