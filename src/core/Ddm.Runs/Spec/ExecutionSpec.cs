namespace Ddm.Runs;

/// <summary>How the run is carried out: no influence on what is learned, apart from the numerics class.</summary>
public sealed record ExecutionSpec
{
    /// <summary>Rows of one forward and backward; null: the whole batch.</summary>
    public int? MicroBatch { get; init; }

    /// <summary>CPU threads; null: those of the machine the run is submitted on.</summary>
    public int? Threads { get; init; }

    /// <summary>Turn of a role while others wait, seconds: then it commits and gives way.</summary>
    public double SliceSeconds { get; init; } = 20;

    /// <summary>Time after which a role that goes on commits, seconds: what a crash loses. Longer where commits are slow, so that they cost no more than a twentieth.</summary>
    public double CommitSeconds { get; init; } = 60;

    /// <summary>Shards a sample order mixes at once.</summary>
    public int WindowShards { get; init; } = 64;

    /// <summary>Checkpoints that a role keeps.</summary>
    public RetentionSpec Retention { get; init; } = new();
}
