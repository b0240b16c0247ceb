using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

internal static class Closeness
{
    /// <summary>Largest absolute difference.</summary>
    public static double Distance(Tensor a, Tensor b)
    {
        using var scope = NewDisposeScope();
        Assert.Equal(a.shape, b.shape);
        return (a.to(ScalarType.Float64) - b.to(ScalarType.Float64)).abs().max().item<double>();
    }

    /// <summary>Largest difference of two rows [B, d] over their length, with the batch's mean length added to it.</summary>
    public static double RelativeDistance(Tensor a, Tensor b)
    {
        using var scope = NewDisposeScope();
        (a, b) = (a.to(ScalarType.Float64), b.to(ScalarType.Float64));
        var length = b.flatten(1).norm(1);
        return ((a - b).flatten(1).norm(1) / (length + length.mean())).max().item<double>();
    }

    /// <summary>Pearson's statistic of counts against expected shares.</summary>
    public static double ChiSquare(long[] counts, double[] shares)
    {
        var total = counts.Sum();
        return counts.Zip(shares, (n, p) => Math.Pow(n - (p * total), 2) / (p * total)).Sum();
    }

    /// <summary>The 0.999 quantile of the chi-square distribution, by degrees of freedom 1 to 5.</summary>
    public static double ChiSquareLimit(int degrees) => degrees switch { 1 => 10.83, 2 => 13.82, 3 => 16.27, 4 => 18.47, _ => 20.52 };
}
