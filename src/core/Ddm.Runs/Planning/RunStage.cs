using System.Text.Json.Serialization;

namespace Ddm.Runs;

/// <summary>Stages of a run, in their order: a run goes back only where something that was made is lost.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RunStage>))]
public enum RunStage
{
    /// <summary>Source images become data set shards.</summary>
    Ingest,

    /// <summary>The feature encoder is fitted.</summary>
    FitFeatures,

    /// <summary>Every shard's features are computed.</summary>
    ExtractFeatures,

    /// <summary>Clusters are found.</summary>
    FitPartition,

    /// <summary>Every row gets its cluster.</summary>
    AssignShards,

    /// <summary>Cluster shards are written and frozen.</summary>
    FreezeClusters,

    /// <summary>Experts and router train, all at once.</summary>
    Train,

    /// <summary>The ensemble is measured.</summary>
    Evaluate,

    /// <summary>The model is published.</summary>
    Publish,

    /// <summary>Nothing is left to do.</summary>
    Done,
}
