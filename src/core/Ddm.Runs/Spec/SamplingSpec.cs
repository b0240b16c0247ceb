namespace Ddm.Runs;

/// <summary>The sampler's defaults.</summary>
public sealed record SamplingSpec
{
    /// <summary>Solver steps.</summary>
    public int Steps { get; init; } = 50;

    /// <summary>Classifier-free guidance scale; 1: none.</summary>
    public double Guidance { get; init; } = 1.0;

    /// <summary>Euler or Heun.</summary>
    public Solver Solver { get; init; } = Solver.Euler;

    /// <summary>Timestep shift s: t' = s t / (1 + (s - 1) t).</summary>
    public double Shift { get; init; } = 1.0;
}
