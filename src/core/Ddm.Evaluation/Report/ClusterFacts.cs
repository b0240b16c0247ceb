namespace Ddm.Evaluation;

/// <summary>The partition of a report.</summary>
public sealed record ClusterFacts
{
    /// <summary>Name of the features that images were clustered by.</summary>
    public required string Features { get; init; }

    /// <summary>Fine centroids of the first level.</summary>
    public int FineCentroids { get; init; }

    /// <summary>Training rows of each cluster.</summary>
    public required IReadOnlyList<long> Sizes { get; init; }

    /// <summary>Largest cluster allowed, as a multiple of the mean; null: none.</summary>
    public double? Cap { get; init; }

    /// <summary>Largest cluster over the mean cluster.</summary>
    public double Imbalance { get; init; }

    /// <summary>Mean silhouette of a sample, -1 to 1.</summary>
    public double? Silhouette { get; init; }

    /// <summary>Rows of each class in each cluster, [K][classes]; null without labels.</summary>
    public IReadOnlyList<IReadOnlyList<long>>? ClassesByCluster { get; init; }

    /// <summary>A PNG of random members of each cluster; empty where none was drawn.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> ContactSheets { get; init; } = [];
}
