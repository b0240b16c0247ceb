using Ddm.Runs;

namespace Ddm.Services;

/// <summary>The queues, each named once.</summary>
public static class QueueNames
{
    /// <summary>Wake-ups of the reconcilers: an exchange, of which every control plane hears all.</summary>
    public const string ControlPlane = "control-plane";

    /// <summary>Specs that are sent in.</summary>
    public const string Submit = "submit";

    /// <summary>Source images to shards.</summary>
    public const string Ingest = "ingest";

    /// <summary>Shards to features.</summary>
    public const string Features = "features";

    /// <summary>Features to clusters.</summary>
    public const string Clustering = "clustering";

    /// <summary>Reports and publication.</summary>
    public const string Publishing = "publishing";

    /// <summary>Where every message ends that nobody can take: unreadable, or handed out too often.</summary>
    public const string Dead = "ddm.dead";

    private const string TrainPrefix = "train.";

    /// <summary>The queues that there are whatever pools there are.</summary>
    public static IReadOnlyList<string> Fixed { get; } = [Submit, Ingest, Features, Clustering, Publishing, Train(PoolName.Local), Train(PoolName.Router)];

    /// <summary>Training slices of a pool.</summary>
    public static string Train(string pool) => TrainPrefix + PoolName.Require(pool);

    /// <summary>The queue a command belongs in.</summary>
    public static string For(IRunCommand command) => command switch
    {
        IngestShard => Ingest,
        FitFeatures or ExtractFeatures => Features,
        FitPartition or AssignShard or FreezeClusters => Clustering,
        TrainSlice slice => Train(slice.Pool),
        EvaluateRun or PublishModel => Publishing,
        _ => throw new ArgumentOutOfRangeException(nameof(command), command.GetType().Name, "No queue takes this command."),
    };
}
