namespace Ddm.Runs;

/// <summary>The density of training times.</summary>
public sealed record TimeDensitySpec
{
    /// <summary>Uniform, or logit-normal mixed with 10% uniform.</summary>
    public TimeDensityKind Density { get; init; } = TimeDensityKind.Uniform;

    /// <summary>Mean of logit(t).</summary>
    public double Mean { get; init; }

    /// <summary>Standard deviation of logit(t).</summary>
    public double Std { get; init; } = 1.0;
}
