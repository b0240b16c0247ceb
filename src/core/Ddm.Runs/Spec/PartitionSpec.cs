namespace Ddm.Runs;

/// <summary>The partition of a run.</summary>
public sealed record PartitionSpec
{
    /// <summary>K: clusters and experts.</summary>
    public required int Experts { get; init; }

    /// <summary>Fine centroids; null: min(1024, N/39).</summary>
    public int? Fine { get; init; }

    /// <summary>Largest cluster allowed, as a multiple of the mean cluster size.</summary>
    public double Cap { get; init; } = 1.25;

    /// <summary>k-means restarts; the best inertia wins.</summary>
    public int Restarts { get; init; } = 3;

    /// <summary>Feature rows that k-means fits on at most.</summary>
    public int SampleRows { get; init; } = 262_144;
}
