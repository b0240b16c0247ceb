using System.Globalization;
using Ddm.Runs;

namespace Ddm.Diffusion;

/// <summary>The <paramref name="Count"/> likeliest experts by their renormalised probabilities; the lower index wins among equals.</summary>
/// <param name="Count">How many; more than are available means all of them.</param>
public sealed record TopRouting(int Count) : RoutingStrategy
{
    private protected override string Text => string.Create(CultureInfo.InvariantCulture, $"top-{Count}");

    private protected override void Select(RoutingRow row, Span<double> weights)
    {
        foreach (var k in ByProbability(row.Probabilities).Take(Count))
        {
            weights[k] = row.Probabilities[k];
        }
    }

    private protected override double Gap(RoutingRow row) => GapAfter(row, Count);
}

/// <summary>Every expert by its probability: the marginal flow itself, at the cost of all experts.</summary>
public sealed record FullRouting : RoutingStrategy
{
    private protected override string Text => "full";

    private protected override void Select(RoutingRow row, Span<double> weights) => row.Probabilities.CopyTo(weights);

    private protected override double Gap(RoutingRow row) => double.PositiveInfinity;
}

/// <summary>One expert drawn afresh at every step: the marginal flow's unbiased estimate.</summary>
public sealed record SampleRouting : RoutingStrategy
{
    private protected override string Text => "sample";

    private protected override void Select(RoutingRow row, Span<double> weights) => weights[DrawOne(row.Probabilities, row.Uniform)] = 1;

    private protected override double Gap(RoutingRow row) => GapOfDraw(row.Probabilities, row.Uniform);
}

/// <summary>One expert drawn at every step from the fewest that together hold the probability <paramref name="Mass"/> (top-p).</summary>
/// <param name="Mass">In (0, 1].</param>
public sealed record NucleusRouting(double Mass) : RoutingStrategy
{
    /// <summary>The paper's p.</summary>
    public const double DefaultMass = 0.9;

    private protected override string Text => string.Create(CultureInfo.InvariantCulture, $"nucleus:{Mass:R}");

    private protected override void Select(RoutingRow row, Span<double> weights) => weights[DrawOne(Kept(row).Probabilities, row.Uniform)] = 1;

    // Another nucleus, or another expert of the same.
    private protected override double Gap(RoutingRow row)
    {
        var (kept, count, before) = Kept(row);
        var mass = kept.Sum();
        var border = count < row.Available.Count(a => a) ? mass - Mass : double.PositiveInfinity; // a nucleus of all of them cannot grow
        var smaller = count > 1 ? Mass - before : double.PositiveInfinity;
        return new[] { Math.Abs(border), Math.Abs(smaller), GapAfter(row, count), GapOfDraw(kept, row.Uniform) }.Min();
    }

    // The fewest that hold the mass, how many they are, and what they hold without the last.
    private (double[] Probabilities, int Count, double Before) Kept(RoutingRow row)
    {
        var kept = new double[row.Probabilities.Length];
        var (sum, before, count) = (0.0, 0.0, 0);
        foreach (var k in ByProbability(row.Probabilities))
        {
            kept[k] = row.Probabilities[k];
            (before, sum, count) = (sum, sum + kept[k], count + 1);
            if (sum >= Mass)
            {
                break;
            }
        }

        return (kept, count, before);
    }
}

/// <summary>Every expert above a probability, renormalised; the likeliest where none is.</summary>
/// <param name="Level">In [0, 1).</param>
public sealed record ThresholdRouting(double Level) : RoutingStrategy
{
    /// <summary>The level the paper's tables do best with.</summary>
    public const double DefaultLevel = 0.1;

    private protected override string Text => string.Create(CultureInfo.InvariantCulture, $"threshold:{Level:R}");

    private protected override void Select(RoutingRow row, Span<double> weights)
    {
        var any = false;
        for (var k = 0; k < weights.Length; k++)
        {
            if (row.Probabilities[k] > Level)
            {
                weights[k] = row.Probabilities[k];
                any = true;
            }
        }

        if (!any)
        {
            weights[ByProbability(row.Probabilities)[0]] = 1;
        }
    }

    private protected override double Gap(RoutingRow row)
    {
        var level = row.Probabilities.Where((_, k) => row.Available[k]).Min(p => Math.Abs(p - Level));
        return row.Probabilities.Any(p => p > Level) ? level : Math.Min(level, GapAfter(row, 1));
    }
}

/// <summary>The expert of a given cluster: that of a held-out image's label, or one expert looked at alone.</summary>
public sealed record OracleRouting : RoutingStrategy
{
    private protected override string Text => "oracle";

    internal override bool AsksRouter(bool firstStep) => false;

    internal override bool KeepsChoice => true;

    private protected override void Select(RoutingRow row, Span<double> weights)
    {
        var k = row.Oracle ?? throw new UserErrorException("Routing strategy 'oracle' needs the cluster of every image: give them, or choose another strategy.");
        if (k < 0 || k >= weights.Length || !row.Available[k])
        {
            throw new UserErrorException($"Routing strategy 'oracle' asks for expert {k}, which is not there: available are "
                + $"{string.Join(", ", Enumerable.Range(0, weights.Length).Where(j => row.Available[j]))}.");
        }

        weights[k] = 1;
    }

    private protected override double Gap(RoutingRow row) => double.PositiveInfinity;
}

/// <summary>
/// Ancestral sampling of the mixture: k ~ p(k | c) once per image, kept to the end. The prior is the sampler's <c>Prior</c> where given, else the router's answer
/// at t = 1, where x_1 is noise and says nothing about k. A row whose expert has gone missing draws again.
/// </summary>
public sealed record AncestralRouting : RoutingStrategy
{
    private protected override string Text => "ancestral";

    internal override bool AsksRouter(bool firstStep) => firstStep;

    internal override bool KeepsChoice => true;

    private protected override void Select(RoutingRow row, Span<double> weights)
        => weights[row.Previous is { } k && row.Available[k] ? k : DrawOne(row.Probabilities, row.Uniform)] = 1;

    private protected override double Gap(RoutingRow row)
        => row.Previous is { } k && row.Available[k] ? double.PositiveInfinity : GapOfDraw(row.Probabilities, row.Uniform);
}
