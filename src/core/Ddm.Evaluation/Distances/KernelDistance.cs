using Ddm.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Evaluation;

/// <summary>
/// Kernel distance (KID; Binkowski et al., 2018): the unbiased squared maximum mean discrepancy under k(x, y) = (x.y / D + 1)^3. Unlike the
/// Frechet distance it is unbiased at any number of rows, and may therefore be slightly negative.
/// </summary>
public static class KernelDistance
{
    private static readonly Scalar One = 1.0;
    private static readonly Scalar Degree = 3.0;

    /// <summary>The distance over all rows of [N, D] and [M, D], in float64.</summary>
    /// <exception cref="ArgumentException">Fewer than two rows, or another D.</exception>
    public static double Between(Tensor first, Tensor second)
    {
        if (first.size(0) < 2 || second.size(0) < 2 || first.size(1) != second.size(1))
        {
            throw new ArgumentException($"A kernel distance needs two rows of equal width on both sides; got [{string.Join(", ", first.shape)}] and [{string.Join(", ", second.shape)}].", nameof(first));
        }

        TorchNative.EnsureLoaded();
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var (x, y) = (first.cpu().to(float64), second.cpu().to(float64));
        return Within(x) + Within(y) - (2 * Kernel(x, y).mean().item<double>());
    }

    /// <summary>Mean and standard deviation of the distance over subsets drawn without replacement, keyed by the seed: 100 of 1,000 rows are customary.</summary>
    /// <exception cref="ArgumentException">A subset is larger than a set.</exception>
    public static (double Mean, double Deviation) OverSubsets(Tensor first, Tensor second, int subsets = 100, int rows = 1000, long seed = 0)
    {
        if (rows > first.size(0) || rows > second.size(0))
        {
            throw new ArgumentException($"Subsets of {rows} rows cannot be drawn from {first.size(0)} and {second.size(0)}.", nameof(rows));
        }

        var philox = Philox.Create(seed, role: 0, RandomStreams.Sampling);
        var values = new double[subsets];
        for (var i = 0; i < subsets; i++)
        {
            using var scope = NewDisposeScope();
            values[i] = Between(
                first.index_select(0, Draw(philox, first.size(0), rows, i, part: 0)),
                second.index_select(0, Draw(philox, second.size(0), rows, i, part: 1)));
        }

        var mean = values.Average();
        return (mean, Math.Sqrt(values.Average(value => (value - mean) * (value - mean))));
    }

    private static Tensor Draw(Philox philox, long size, int rows, int subset, uint part)
    {
        var permutation = new FeistelPermutation(size, philox, (ulong)subset, part);
        return tensor(Enumerable.Range(0, rows).Select(i => permutation[i]).ToArray());
    }

    // mean over pairs of different rows
    private static double Within(Tensor x)
    {
        var kernel = Kernel(x, x);
        var n = (double)x.size(0);
        return kernel.sum().Minus(kernel.trace()).item<double>() / (n * (n - 1));
    }

    private static Tensor Kernel(Tensor x, Tensor y)
    {
        using Scalar scale = 1.0 / x.size(1);
        return x.mm(y.t()).mul_(scale).add_(One).pow_(Degree);
    }
}
