using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>Drawn pictures and how each was routed.</summary>
public sealed class SampleResult : IDisposable
{
    internal SampleResult(Tensor images, float[,,] weights, int[,] choices, long[] evaluations, long routerEvaluations, double[] liveMass, bool degraded)
    {
        (Images, Weights, Choices, Evaluations) = (images, weights, choices, evaluations);
        (RouterEvaluations, LiveMass, Degraded) = (routerEvaluations, liveMass, degraded);
    }

    /// <summary>[B, C, H, W] float32 in [-1, 1].</summary>
    public Tensor Images { get; }

    /// <summary>[steps, B, K]: the weights of the conditional velocity.</summary>
    public float[,,] Weights { get; }

    /// <summary>[steps, B]: the expert of the largest weight, the lowest index among equals.</summary>
    public int[,] Choices { get; }

    /// <summary>[K]: rows each expert was evaluated on; a guided row counts twice.</summary>
    public IReadOnlyList<long> Evaluations { get; }

    /// <summary>Rows the router was evaluated on.</summary>
    public long RouterEvaluations { get; }

    /// <summary>[B]: m, the sum over live k of p(k | x_1, c); 1 when no expert is missing.</summary>
    public IReadOnlyList<double> LiveMass { get; }

    /// <summary>True when an expert was missing.</summary>
    public bool Degraded { get; }

    /// <inheritdoc/>
    public void Dispose() => Images.Dispose();
}

/// <summary>How far a drawing has come.</summary>
/// <param name="FirstImage">Index of the present batch's first picture.</param>
/// <param name="Images">Pictures of the present batch.</param>
/// <param name="TotalImages">Pictures asked for.</param>
/// <param name="Step">Steps done on the present batch.</param>
/// <param name="Steps">Steps in all.</param>
public readonly record struct SampleProgress(int FirstImage, int Images, int TotalImages, int Step, int Steps);
