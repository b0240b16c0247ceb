using System.Globalization;
using Ddm.Runs;
using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>
/// Turns p(k | x_t, t, c) into the weights the experts' velocities are mixed with (section 3.4 of the paper, and <c>ancestral</c>). Selected weights
/// always sum to one, and a missing expert never has any: over the live experts the renormalised posterior is exactly that of their sub-mixture.
/// <para>With exact parts, <c>full</c>, <c>sample</c> and <c>ancestral</c> reproduce the mixture. <c>top-1</c> does not: at t = 1 the posterior is the prior, so
/// that an unconditional router sends every image to the largest cluster first.</para>
/// </summary>
public abstract record RoutingStrategy
{
    /// <summary>What <see cref="Parse"/> reads.</summary>
    public const string Syntax = "top-1, top-2, ... (the likeliest experts), full, sample, nucleus or nucleus:0.9, threshold or threshold:0.1, oracle, ancestral; "
        + "each with @T for a softmax temperature T, as in nucleus:0.9@0.5";

    private protected RoutingStrategy()
    {
    }

    /// <summary>T of p(k)^(1/T), renormalised; 1 leaves the router's answer alone.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>The strategy that a model is published with until a measurement says otherwise: exact with exact parts, at one expert's cost.</summary>
    public static RoutingStrategy Default { get; } = new AncestralRouting();

    /// <summary>Reads a strategy: see <see cref="Syntax"/>.</summary>
    /// <exception cref="UserErrorException">The text names none, or its number is out of range.</exception>
    public static RoutingStrategy Parse(string text)
    {
        var (body, temperature) = Split(text, '@');
        var (name, argument) = Split(body, ':');
        RoutingStrategy? strategy = name switch
        {
            "full" when argument is null => new FullRouting(),
            "sample" when argument is null => new SampleRouting(),
            "oracle" when argument is null => new OracleRouting(),
            "ancestral" when argument is null => new AncestralRouting(),
            "nucleus" => new NucleusRouting(Number(text, argument, NucleusRouting.DefaultMass, "a probability in (0, 1]", p => p is > 0 and <= 1)),
            "threshold" => new ThresholdRouting(Number(text, argument, ThresholdRouting.DefaultLevel, "a probability in [0, 1)", p => p is >= 0 and < 1)),
            _ when name.StartsWith("top-", StringComparison.Ordinal) && argument is null
                && int.TryParse(name.AsSpan(4), NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0 => new TopRouting(count),
            _ => null,
        };
        return strategy is null
            ? throw new UserErrorException($"'{text}' is no routing strategy. Valid are: {Syntax}.")
            : strategy with { Temperature = Number(text, temperature, 1, "a temperature above 0", t => t > 0 && double.IsFinite(t)) };
    }

    /// <summary>The weights of every row.</summary>
    /// <returns>[B, K] float64 on the CPU; each row is non-negative, zero at missing experts, and sums to one.</returns>
    /// <exception cref="UserErrorException">No expert is available, or <c>oracle</c> has no label or one of a missing expert.</exception>
    public Tensor Weights(RoutingContext context) => Choose(context).ToTensor();

    /// <summary>The weights of every row, and how far each choice was from falling otherwise.</summary>
    /// <exception cref="UserErrorException">No expert is available, or <c>oracle</c> has no label or one of a missing expert.</exception>
    public RoutingChoice Choose(RoutingContext context)
    {
        var (rows, experts) = ((int)context.Probabilities.size(0), (int)context.Probabilities.size(1));
        if (context.Available.Count != experts || !context.Available.Contains(true))
        {
            throw new UserErrorException($"{context.Available.Count(a => a)} of {experts} experts are available: at least one is needed to draw a picture.");
        }

        using var host = context.Probabilities.to(ScalarType.Float64, CPU).contiguous();
        var probabilities = host.data<double>().ToArray();
        var weights = new double[rows * experts];
        var gaps = new double[rows];
        for (var row = 0; row < rows; row++)
        {
            var range = row * experts;
            gaps[row] = Choose(
                probabilities.AsSpan(range, experts), context.Available, context.Uniforms[row], context.Previous?[row], context.Oracle?[row], weights.AsSpan(range, experts));
        }

        return new RoutingChoice(weights, gaps, experts);
    }

    /// <summary>The weights of one row, and how far its choice was from falling otherwise.</summary>
    /// <param name="probabilities">[K]; what missing experts hold is ignored.</param>
    /// <param name="available">[K], one of them true.</param>
    /// <param name="uniform">In (0, 1).</param>
    /// <param name="previous">The row's last choice.</param>
    /// <param name="oracle">The row's true cluster.</param>
    /// <param name="weights">[K] zeros; receives the weights.</param>
    internal double Choose(ReadOnlySpan<double> probabilities, IReadOnlyList<bool> available, double uniform, int? previous, int? oracle, Span<double> weights)
    {
        var row = new RoutingRow(Ready(probabilities, available), available, uniform, previous, oracle);
        Select(row, weights);
        Normalise(weights);
        return Gap(row);
    }

    /// <summary>The text that <see cref="Parse"/> reads back.</summary>
    public sealed override string ToString()
        => Temperature == 1 ? Text : string.Create(CultureInfo.InvariantCulture, $"{Text}@{Temperature:R}");

    /// <summary>The strategy's name with its number, without the temperature.</summary>
    private protected abstract string Text { get; }

    /// <summary>False at steps whose weights do not depend on the router, which is not asked then.</summary>
    internal virtual bool AsksRouter(bool firstStep) => true;

    /// <summary>True where a row keeps one expert over all steps, so that both halves of a guided velocity must use it.</summary>
    internal virtual bool KeepsChoice => false;

    /// <summary>Writes one row's weights, up to a common factor, into zeros.</summary>
    private protected abstract void Select(RoutingRow row, Span<double> weights);

    /// <summary>
    /// How much probability would have to move for another set of experts to be chosen; infinite where no probability decides. Weights of a set that stays move
    /// with the probabilities and no faster: they are no choice.
    /// </summary>
    private protected abstract double Gap(RoutingRow row);

    /// <summary>By how much the <paramref name="count"/>-th likeliest expert is ahead of the next; infinite when there is no next that could be asked.</summary>
    private protected static double GapAfter(RoutingRow row, int count)
    {
        double[] falling = [.. row.Probabilities.Where((_, k) => row.Available[k]).OrderDescending()];
        return count < falling.Length ? falling[count - 1] - falling[count] : double.PositiveInfinity;
    }

    /// <summary>How far <paramref name="uniform"/> is from the nearest border between two experts that <see cref="DrawOne"/> could take.</summary>
    private protected static double GapOfDraw(ReadOnlySpan<double> probabilities, double uniform)
    {
        var total = 0.0;
        foreach (var p in probabilities)
        {
            total += p;
        }

        var (sum, nearest) = (0.0, double.PositiveInfinity);
        foreach (var p in probabilities)
        {
            if (p > 0 && sum > 0)
            {
                nearest = Math.Min(nearest, Math.Abs((uniform * total) - sum));
            }

            sum += p;
        }

        return nearest;
    }

    /// <summary>The first index whose cumulated probability passes <paramref name="uniform"/>; never one of probability zero.</summary>
    private protected static int DrawOne(ReadOnlySpan<double> probabilities, double uniform)
    {
        var total = 0.0;
        foreach (var p in probabilities)
        {
            total += p;
        }

        var (sum, last) = (0.0, 0);
        for (var k = 0; k < probabilities.Length; k++)
        {
            if (probabilities[k] > 0)
            {
                sum += probabilities[k];
                last = k;
                if (uniform * total < sum)
                {
                    break;
                }
            }
        }

        return last;
    }

    /// <summary>Indices by falling probability; the lower index first among equals.</summary>
    private protected static int[] ByProbability(double[] probabilities)
        => [.. Enumerable.Range(0, probabilities.Length).OrderByDescending(k => probabilities[k])]; // OrderBy is stable

    private double[] Ready(ReadOnlySpan<double> probabilities, IReadOnlyList<bool> available)
    {
        var ready = new double[probabilities.Length];
        for (var k = 0; k < ready.Length; k++)
        {
            ready[k] = available[k] && probabilities[k] > 0 ? probabilities[k] : 0;
        }

        if (Temperature != 1)
        {
            var top = ready.Max();
            for (var k = 0; k < ready.Length && top > 0; k++)
            {
                ready[k] = Math.Pow(ready[k] / top, 1 / Temperature);
            }
        }

        if (!(ready.Sum() > 0))
        {
            // The router gives the live experts nothing at all: nothing prefers one of them.
            for (var k = 0; k < ready.Length; k++)
            {
                ready[k] = available[k] ? 1 : 0;
            }
        }

        Normalise(ready);
        return ready;
    }

    private static void Normalise(Span<double> values)
    {
        var sum = 0.0;
        foreach (var value in values)
        {
            sum += value;
        }

        foreach (ref var value in values)
        {
            value /= sum;
        }
    }

    private static (string Head, string? Tail) Split(string text, char separator)
        => text.IndexOf(separator, StringComparison.Ordinal) is var at and >= 0 ? (text[..at], text[(at + 1)..]) : (text, null);

    private static double Number(string text, string? argument, double otherwise, string wanted, Func<double, bool> valid)
    {
        if (argument is null)
        {
            return otherwise;
        }

        return double.TryParse(argument, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && valid(number)
            ? number
            : throw new UserErrorException($"'{argument}' in routing strategy '{text}' is not {wanted}. Valid strategies are: {Syntax}.");
    }
}
