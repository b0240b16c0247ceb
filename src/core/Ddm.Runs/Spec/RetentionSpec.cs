namespace Ddm.Runs;

/// <summary>Which of a role's checkpoints keep their tensors. Manifests and metrics stay whatever it says.</summary>
public sealed record RetentionSpec
{
    /// <summary>The newest whole checkpoints that are kept; at least 2, for the newest may turn out corrupt.</summary>
    public int KeepLast { get; init; } = 2;

    /// <summary>Steps: the first checkpoint at or past each multiple of it is kept for good; null: none is.</summary>
    public int? KeepEvery { get; init; }

    /// <summary>Whether a checkpoint is one of those kept for good.</summary>
    /// <param name="fromStep">Steps of its parent.</param>
    /// <param name="step">Its own steps.</param>
    public bool IsMilestone(long fromStep, long step) => KeepEvery is { } every && step / every > fromStep / every;
}
