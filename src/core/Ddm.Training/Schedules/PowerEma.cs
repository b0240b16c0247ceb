using Ddm.Tensors;

namespace Ddm.Training;

/// <summary>
/// The power-function average of weights (Karras et al., "Analyzing and improving the training dynamics of diffusion models", 2024, section
/// 3.1): after n updates the weights of update i count in proportion to (i / n)^gamma, whatever n, so that the average's width stays the same
/// share of the training so far.
/// </summary>
public static class PowerEma
{
    /// <summary>How far update <paramref name="step"/> moves the average towards the new weights: 1 - beta, beta = (1 - 1 / (step + 1))^(gamma + 1).</summary>
    /// <param name="std">Relative standard deviation of the profile, in (0, 0.2886).</param>
    /// <param name="step">Updates made before this one; the first replaces the average.</param>
    public static double LerpWeight(double std, long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        return step == 0 ? 1 : 1 - PortableMath.Exp((Gamma(std) + 1) * PortableMath.Log(step / (step + 1.0)));
    }

    /// <summary>The exponent of the profile whose relative standard deviation is <paramref name="std"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No exponent of 0 or more gives this width.</exception>
    public static double Gamma(double std)
    {
        if (!(std > 0 && std < Std(0)))
        {
            throw new ArgumentOutOfRangeException(nameof(std), std, "The relative width of the average must be above 0 and below 0.2886.");
        }

        // Std falls as gamma grows, and is below 1 / gamma.
        var (low, high) = (0.0, 1 / std);
        for (var i = 0; i < 100; i++)
        {
            var middle = 0.5 * (low + high);
            (low, high) = Std(middle) > std ? (middle, high) : (low, middle);
        }

        return high;
    }

    /// <summary>Relative standard deviation of the profile t^gamma: sqrt(gamma + 1) / ((gamma + 2) sqrt(gamma + 3)).</summary>
    private static double Std(double gamma) => Math.Sqrt(gamma + 1) / ((gamma + 2) * Math.Sqrt(gamma + 3));
}
