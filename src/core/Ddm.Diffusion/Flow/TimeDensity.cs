using Ddm.Runs;

namespace Ddm.Diffusion;

/// <summary>Training times, stratified over the global batch: row i takes its number from the i-th of B equal slices of the density, which halves the loss's noise for nothing.</summary>
public static class TimeDensity
{
    private const double UniformShare = 0.1;

    /// <summary>One time for each row of the global batch, in (0, 1), ascending with the row.</summary>
    /// <param name="density">The density.</param>
    /// <param name="uniforms">Independent numbers in (0, 1), one a row of the global batch.</param>
    public static float[] Draw(TimeDensitySpec density, ReadOnlySpan<double> uniforms)
    {
        var times = new float[uniforms.Length];
        for (var i = 0; i < times.Length; i++)
        {
            var time = Quantile(density, Math.Clamp((i + uniforms[i]) / times.Length, 1e-12, 1 - 1e-12)); // the sum may round to its slice's end
            times[i] = Math.Clamp((float)time, 1e-6f, 1 - 1e-6f);
        }

        return times;
    }

    // The mixture is stratified too: the uniform tenth takes the lowest tenth of the slices. Where u is that tenth exactly, as the middle of a slice can be, the
    // logit-normal part begins: at its quantile of 0, which would be no number.
    private static double Quantile(TimeDensitySpec density, double u) => density.Density switch
    {
        TimeDensityKind.Uniform => u,
        TimeDensityKind.LogitNormal => u < UniformShare
            ? u / UniformShare
            : Sigmoid(density.Mean + (density.Std * NormalQuantile.At(Math.Max((u - UniformShare) / (1 - UniformShare), 1e-12)))),
        _ => throw new UserErrorException($"'{density.Density}' is no density of t: use uniform or logit-normal."),
    };

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}
