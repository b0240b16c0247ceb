using Ddm.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Evaluation;

/// <summary>
/// Frechet distance between Gaussians fitted to two sets of features (Heusel et al., 2017):
/// |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2), in float64 and by symmetric decompositions only, so that it is real and not negative.
/// </summary>
public static class FrechetDistance
{
    private const double Rounding = 1e-6;
    private static readonly Scalar Zero = 0.0;
    private static readonly Scalar Half = 0.5;

    /// <summary>The distance of two sets of rows [N, D] and [M, D]: by their singular values where rows are fewer than dimensions, else by covariances.</summary>
    public static double Between(Tensor first, Tensor second)
    {
        using var a = FeatureStatistics.Of(first);
        using var b = FeatureStatistics.Of(second);
        return Math.Min(a.Count, b.Count) > a.Dimensions ? Between(a, b) : OfFewRows(first, second);
    }

    /// <summary>
    /// The distance from statistics: S1 S2 has the spectrum of the symmetric A S2 A with A = S1^(1/2), whose eigenvalues are real and, rounding
    /// aside, not negative.
    /// </summary>
    /// <exception cref="ArgumentException">The dimensions differ.</exception>
    public static double Between(FeatureStatistics first, FeatureStatistics second)
    {
        if (first.Dimensions != second.Dimensions)
        {
            throw new ArgumentException($"Features of {first.Dimensions} and of {second.Dimensions} dimensions cannot be compared.", nameof(second));
        }

        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var (s1, s2) = (first.Covariance(), second.Covariance());
        var (values, vectors) = linalg.eigh(s1);
        var root = (vectors * values.clamp_min(Zero).sqrt().unsqueeze(0)).mm(vectors.t()); // A
        var product = root.mm(s2).mm(root);
        var spectrum = linalg.eigvalsh(product.Plus(product.t()) * Half);
        var traceOfRoot = spectrum.clamp_min(Zero).sqrt().sum().item<double>();
        return Close(first.Mean, second.Mean, s1.trace().item<double>(), s2.trace().item<double>(), traceOfRoot);
    }

    /// <summary>
    /// The distance where covariances are rank-deficient: tr (S1 S2)^(1/2) is the sum of the singular values of Xc Yc^T / sqrt((N - 1)(M - 1)), an N x M matrix.
    /// </summary>
    public static double OfFewRows(Tensor first, Tensor second)
    {
        TorchNative.EnsureLoaded();
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var (x, y) = (first.cpu().to(float64), second.cpu().to(float64));
        var (meanX, meanY) = (x.mean([0]), y.mean([0]));
        var (centredX, centredY) = (x.Minus(meanX), y.Minus(meanY));
        var (n, m) = (x.size(0) - 1.0, y.size(0) - 1.0);
        var singular = linalg.svdvals(Triangle(centredX).mm(Triangle(centredY).t()));
        return Close(
            meanX,
            meanY,
            centredX.square().sum().item<double>() / n,
            centredY.square().sum().item<double>() / m,
            singular.sum().item<double>() / Math.Sqrt(n * m));
    }

    // Xc = QR, and an orthonormal Q leaves singular values alone: the matrix to decompose is never larger than D x D.
    private static Tensor Triangle(Tensor centred) => centred.size(0) > centred.size(1) ? linalg.qr(centred, linalg.QRMode.R).R : centred;

    private static double Close(Tensor firstMean, Tensor secondMean, double firstTrace, double secondTrace, double traceOfRoot)
    {
        using var scope = NewDisposeScope();
        var distance = firstMean.Minus(secondMean).square().sum().item<double>() + firstTrace + secondTrace - (2 * traceOfRoot);
        if (!(distance > -Rounding * Math.Max(1, firstTrace + secondTrace)))
        {
            throw new ArithmeticException($"A Frechet distance came out as {distance}: the features are not usable.");
        }

        return Math.Max(distance, 0);
    }
}
