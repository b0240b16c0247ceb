using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Evaluation;

/// <summary>
/// Fidelity and variety told apart by balls around rows, each reaching to its k-th nearest neighbour of the same set (precision and recall:
/// Kynkaanniemi et al., 2019, usually k = 3; density and coverage: Naeem et al., 2020, usually k = 5).
/// </summary>
/// <param name="Precision">Share of the drawn rows inside some real row's ball.</param>
/// <param name="Recall">Share of the real rows inside some drawn row's ball.</param>
/// <param name="Density">Mean number of real balls that a drawn row lies in, over k: above 1 where drawn rows crowd.</param>
/// <param name="Coverage">Share of the real balls that hold a drawn row.</param>
public sealed record NeighbourMetrics(double Precision, double Recall, double Density, double Coverage)
{
    /// <summary>Measures drawn rows [M, D] against real rows [N, D] in float64. Memory: three tables of N x N, N x M and M x M.</summary>
    /// <exception cref="ArgumentException">A set has no more than k rows, or the dimensions differ.</exception>
    public static NeighbourMetrics Measure(Tensor real, Tensor drawn, int k)
    {
        if (k < 1 || real.size(0) <= k || drawn.size(0) <= k || real.size(1) != drawn.size(1))
        {
            throw new ArgumentException(
                $"{k} neighbours need more than {k} rows of one width in both sets; got [{string.Join(", ", real.shape)}] and [{string.Join(", ", drawn.shape)}].", nameof(k));
        }

        TorchNative.EnsureLoaded();
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var (x, y) = (real.cpu().to(float64), drawn.cpu().to(float64));
        var (realReach, drawnReach) = (Reach(x, k), Reach(y, k));
        var between = cdist(x, y); // [N, M]
        var inReal = between.lt(realReach.unsqueeze(1));
        var inDrawn = between.lt(drawnReach.unsqueeze(0));
        return new NeighbourMetrics(
            Share(inReal.any(0)),
            Share(inDrawn.any(1)),
            inReal.to(float64).sum().item<double>() / k / y.size(0),
            Share(inReal.any(1)));
    }

    // The row itself is the first of its neighbours, at distance 0.
    private static Tensor Reach(Tensor rows, int k) => cdist(rows, rows).topk(k + 1, dim: 1, largest: false, sorted: true).values.select(1, k);

    private static double Share(Tensor flags) => flags.to(float64).mean().item<double>();
}
