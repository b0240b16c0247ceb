namespace Ddm.Runs;

/// <summary>A diffusion transformer's size: a preset, or its three numbers.</summary>
public sealed record NetworkSpec
{
    /// <summary>For instance <c>DiT-S/2</c>; null when the numbers are given.</summary>
    public string? Preset { get; init; }

    /// <summary>Width D.</summary>
    public int Hidden { get; init; }

    /// <summary>Blocks.</summary>
    public int Depth { get; init; }

    /// <summary>Attention heads; divides <see cref="Hidden"/>.</summary>
    public int Heads { get; init; }

    /// <summary>Side of a patch, pixels; divides the image size.</summary>
    public int Patch { get; init; }

    /// <summary>Width of the MLP over <see cref="Hidden"/>.</summary>
    public double MlpRatio { get; init; } = 4.0;

    /// <summary>True: conditioned on the image's class, in a run whose captions are no condition.</summary>
    public bool ClassCondition { get; init; } = true;

    /// <summary>False: blind to the captions that the run's <see cref="TextSpec"/> makes conditions, and to classes, too.</summary>
    public bool TextCondition { get; init; } = true;

    /// <summary>Probability that a training row's condition is dropped.</summary>
    public double ConditionDropout { get; init; } = 0.1;
}
