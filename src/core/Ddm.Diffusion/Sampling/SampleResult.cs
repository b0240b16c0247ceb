using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>Drawn pictures and how each was routed.</summary>
public sealed class SampleResult : IDisposable
{
    internal SampleResult(Tensor images) => Images = images;

    /// <summary>[B, C, H, W] float32 in [-1, 1].</summary>
    public Tensor Images { get; }

    /// <summary>[steps, B, K]: the weights of the conditional velocity.</summary>
    public required float[,,] Weights { get; init; }

    /// <summary>[steps, B]: the expert of the largest weight, the lowest index among equals.</summary>
    public required int[,] Choices { get; init; }

    /// <summary>
    /// [steps, B]: how much probability would have to move for other experts to be chosen, the less of both halves where guidance routes them separately; infinite where
    /// no answer of the router decides. See <see cref="RoutingChoice.Gaps"/>.
    /// </summary>
    public required double[,] Gaps { get; init; }

    /// <summary>[K]: rows each expert was evaluated on; a guided row counts twice, and so does a row of Heun's steps but the last.</summary>
    public required IReadOnlyList<long> Evaluations { get; init; }

    /// <summary>Rows the router was evaluated on: one a picture and step where the strategy asks, two where guidance routes its halves separately; one a picture more where experts are missing.</summary>
    public required long RouterEvaluations { get; init; }

    /// <summary>[B]: m, the sum of p(k | x_1, c) over the experts that were there all along; 1 when none was missing.</summary>
    public required IReadOnlyList<double> LiveMass { get; init; }

    /// <summary>[B]: true when an expert was missing at a step.</summary>
    public required IReadOnlyList<bool> Degraded { get; init; }

    /// <summary>Rows that experts were evaluated on, all experts together.</summary>
    public long ExpertEvaluations => Evaluations.Sum();

    /// <summary>The steps of a picture whose routing was near-tied: see <see cref="RoutingChoice.NearTieMargin"/>.</summary>
    public IReadOnlyList<int> NearTies(int picture)
        => [.. Enumerable.Range(0, Gaps.GetLength(0)).Where(step => Gaps[step, picture] < RoutingChoice.NearTieMargin)];

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
