namespace Ddm.Runs;

/// <summary>How one role is trained. Everything here is a function of the step, so that a run resumes exactly.</summary>
public sealed record TrainingSpec
{
    /// <summary>Optimiser steps.</summary>
    public required int Steps { get; init; }

    /// <summary>Global batch, rows; micro-batches sum to it.</summary>
    public required int Batch { get; init; }

    /// <summary>Peak learning rate.</summary>
    public double LearningRate { get; init; } = 1e-4;

    /// <summary>Steps of linear warm-up.</summary>
    public int Warmup { get; init; }

    /// <summary>What follows the warm-up: constant, cosine or linear, down to <see cref="FinalLearningRate"/>.</summary>
    public LearningRateDecay Decay { get; init; } = LearningRateDecay.Constant;

    /// <summary>Learning rate of the last step.</summary>
    public double FinalLearningRate { get; init; }

    /// <summary>Decoupled weight decay.</summary>
    public double WeightDecay { get; init; }

    /// <summary>AdamW's first decay.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>AdamW's second decay.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Largest global gradient norm.</summary>
    public double Clip { get; init; } = 1.0;

    /// <summary>Relative width of the power-function EMA (EDM2, eq. 121 ff.): 0.05 follows the last tenth of the run.</summary>
    public double EmaStd { get; init; } = 0.05;

    /// <summary>Density that t is drawn from.</summary>
    public TimeDensitySpec T { get; init; } = new();

    /// <summary>Pools that may train it; empty: any.</summary>
    public IReadOnlyList<string> Pools { get; init; } = [];
}
