using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>What a routing strategy may look at. Rows are images.</summary>
public sealed record RoutingContext
{
    /// <summary>p(k | x_t, t, c), [B, K], any float type and device. What missing experts hold is ignored.</summary>
    public required Tensor Probabilities { get; init; }

    /// <summary>Which of the K experts can be asked.</summary>
    public required IReadOnlyList<bool> Available { get; init; }

    /// <summary>A number in (0, 1) for each row, a function of the image's seed and the step alone.</summary>
    public required IReadOnlyList<double> Uniforms { get; init; }

    /// <summary>The expert that each row chose at its previous step; null at the first.</summary>
    public IReadOnlyList<int>? Previous { get; init; }

    /// <summary>The expert that <c>oracle</c> must use for each row.</summary>
    public IReadOnlyList<int>? Oracle { get; init; }
}

/// <summary>One row of a <see cref="RoutingContext"/>, made ready: probabilities are zero at missing experts, tempered, and sum to one.</summary>
/// <param name="Probabilities">[K].</param>
/// <param name="Available">[K].</param>
/// <param name="Uniform">In (0, 1).</param>
/// <param name="Previous">The row's last choice.</param>
/// <param name="Oracle">The row's true cluster.</param>
public sealed record RoutingRow(double[] Probabilities, IReadOnlyList<bool> Available, double Uniform, int? Previous, int? Oracle);
