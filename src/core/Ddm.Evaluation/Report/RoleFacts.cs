namespace Ddm.Evaluation;

/// <summary>What one role did, for a report.</summary>
public sealed record RoleFacts
{
    /// <summary>The role's path: <c>experts/0</c>, <c>router</c>.</summary>
    public required string Role { get; init; }

    /// <summary>True for the router, whose loss is a cross-entropy and not an error of velocity.</summary>
    public bool IsRouter { get; init; }

    /// <summary>Parameters of the network.</summary>
    public long Parameters { get; init; }

    /// <summary>Steps committed.</summary>
    public long Step { get; init; }

    /// <summary>Steps asked for.</summary>
    public long TargetSteps { get; init; }

    /// <summary>complete, training, failed: shown as it is.</summary>
    public string Status { get; init; } = "complete";

    /// <summary>Training loss over the step, at whatever spacing it was written.</summary>
    public IReadOnlyList<CurvePoint> TrainingLoss { get; init; } = [];

    /// <summary>Loss of the EMA weights on held-out rows under fixed noise.</summary>
    public IReadOnlyList<CurvePoint> HeldOutLoss { get; init; } = [];

    /// <summary>Training images seen.</summary>
    public long ImagesSeen { get; init; }

    /// <summary>Seconds spent inside training steps.</summary>
    public double TrainingSeconds { get; init; }

    /// <summary>Floating-point operations of training: three forward passes' worth for each image seen.</summary>
    public double TrainingFlops { get; init; }

    /// <summary>SHA-256 of the weights of the last committed checkpoint, hexadecimal; null before the first commit.</summary>
    public string? CheckpointSha256 { get; init; }
}

/// <summary>A point of a curve over training.</summary>
public readonly record struct CurvePoint(long Step, double Value);
