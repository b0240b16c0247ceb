namespace Ddm.Evaluation;

/// <summary>How a <see cref="SmallClassifier"/> is trained.</summary>
public sealed record SmallClassifierOptions
{
    /// <summary>Passes over the rows.</summary>
    public int Epochs { get; init; } = 8;

    /// <summary>Rows of one step.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>Peak of the one-cycle learning rate.</summary>
    public double LearningRate { get; init; } = 2e-3;

    /// <summary>Decoupled weight decay.</summary>
    public double WeightDecay { get; init; } = 1e-2;

    /// <summary>Channels of the first convolution; the ones after it have twice as many.</summary>
    public int Width { get; init; } = 32;

    /// <summary>Keys initial weights and the order of rows.</summary>
    public long Seed { get; init; }
}
