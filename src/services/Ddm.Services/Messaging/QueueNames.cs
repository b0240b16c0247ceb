using Ddm.Runs;

namespace Ddm.Services;

/// <summary>The queues, each named once.</summary>
public static class QueueNames
{
    /// <summary>Wake-ups of the reconciler.</summary>
    public const string ControlPlane = "control-plane";

    /// <summary>Source images to shards.</summary>
    public const string Ingest = "ingest";

    /// <summary>Shards to features.</summary>
    public const string Features = "features";

    /// <summary>Features to clusters.</summary>
    public const string Clustering = "clustering";

    /// <summary>Training slices of the embedded pool.</summary>
    public const string TrainLocal = "train.local";

    /// <summary>Reports and publication.</summary>
    public const string Publishing = "publishing";

    /// <summary>The queue a command belongs in.</summary>
    public static string For(IRunCommand command) => command switch
    {
        IngestShard => Ingest,
        FitFeatures or ExtractFeatures => Features,
        FitPartition or AssignShard or FreezeClusters => Clustering,
        TrainSlice => TrainLocal,
        EvaluateRun or PublishModel => Publishing,
        _ => throw new ArgumentOutOfRangeException(nameof(command), command.GetType().Name, "No queue takes this command."),
    };
}
