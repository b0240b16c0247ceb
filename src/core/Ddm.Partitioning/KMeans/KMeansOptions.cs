namespace Ddm.Partitioning;

/// <summary>How k-means searches.</summary>
public sealed record KMeansOptions
{
    /// <summary>Independent seedings; the lowest inertia wins.</summary>
    public int Restarts { get; init; } = 1;

    /// <summary>Lloyd iterations of one restart at most.</summary>
    public int MaxIterations { get; init; } = 100;

    /// <summary>A restart ends when the squared shift of all centroids together falls to this share of the mean variance of a dimension.</summary>
    public double Tolerance { get; init; } = 1e-4;

    /// <summary>A restart ends when an iteration lowers the inertia by less than this share of it.</summary>
    public double Gain { get; init; } = 1e-4;
}
