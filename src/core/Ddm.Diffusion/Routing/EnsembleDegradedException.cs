using System.Globalization;

namespace Ddm.Diffusion;

/// <summary>Too many experts are missing for what was asked: the live ones hold less of p(k | x_1, c) than the floor.</summary>
public sealed class EnsembleDegradedException : Exception
{
    /// <summary>An error for one image.</summary>
    /// <param name="mass">m: the sum over live k of p(k | x_1, c).</param>
    /// <param name="floor">The least m allowed.</param>
    /// <param name="missing">The experts that are not there.</param>
    /// <param name="label">The image's class; null: none.</param>
    public EnsembleDegradedException(double mass, double floor, IReadOnlyList<int> missing, long? label)
        : base(string.Create(CultureInfo.InvariantCulture, $"Experts {string.Join(", ", missing)} are missing, and the others hold only {mass:P1} of the probability")
            + string.Create(CultureInfo.InvariantCulture, $"{(label is null ? "" : $" of class {label}")}, below the floor of {floor:P0}: ")
            + $"restore the missing experts{(label is null ? "" : ", ask for another class")}, or lower the floor.")
    {
        (Mass, Floor, Missing) = (mass, floor, missing);
    }

    /// <summary>m.</summary>
    public double Mass { get; }

    /// <summary>The least m allowed.</summary>
    public double Floor { get; }

    /// <summary>The experts that are not there.</summary>
    public IReadOnlyList<int> Missing { get; }
}
