using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>What a strategy chose for every row.</summary>
public sealed class RoutingChoice
{
    /// <summary>
    /// A choice is near-tied when probabilities that moved by this much could turn it. Logits are float32: across thread counts, instruction sets and library versions
    /// they differ by rounding, 1e-7 of their size and more after many layers and steps, so that a near-tied choice, and the picture with it, may come out otherwise in another numerics class.
    /// </summary>
    public const double NearTieMargin = 1e-4;

    private readonly double[] weights; // [B, K]
    private readonly double[] gaps; // [B]

    internal RoutingChoice(double[] weights, double[] gaps, int experts) => (this.weights, this.gaps, Experts) = (weights, gaps, experts);

    /// <summary>K.</summary>
    public int Experts { get; }

    /// <summary>[B]: how much probability would have to move for another set of experts to be chosen; infinite where no probability decides.</summary>
    public IReadOnlyList<double> Gaps => gaps;

    /// <summary>[B, K]: the weights, row after row.</summary>
    internal ReadOnlySpan<double> Weights => weights;

    /// <summary>[B, K] float64 on the CPU; each row is non-negative, zero at missing experts, and sums to one.</summary>
    public Tensor ToTensor() => tensor(weights, [gaps.Length, Experts]);
}
