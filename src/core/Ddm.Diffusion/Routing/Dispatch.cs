namespace Ddm.Diffusion;

/// <summary>Which rows each expert is evaluated on, and with what weights their velocities are mixed. Made once a step; a solver's later stages use it again.</summary>
internal sealed class Dispatch
{
    private Dispatch(IReadOnlyList<Part> parts, int rows) => (Parts, Rows) = (parts, rows);

    /// <summary>By rising expert, those without rows left out: so a row's velocities are summed in the same order whichever rows are beside it.</summary>
    public IReadOnlyList<Part> Parts { get; }

    /// <summary>Rows in all.</summary>
    public int Rows { get; }

    /// <summary>From weights [B, K], row after row.</summary>
    public static Dispatch Of(ReadOnlySpan<double> weights, int experts)
    {
        var rows = weights.Length / experts;
        var parts = new List<Part>();
        for (var k = 0; k < experts; k++)
        {
            var (chosen, shares) = (new List<long>(), new List<double>());
            for (var row = 0; row < rows; row++)
            {
                if (weights[(row * experts) + k] is not 0 and var share)
                {
                    chosen.Add(row);
                    shares.Add(share);
                }
            }

            if (chosen.Count > 0)
            {
                parts.Add(new Part(k, [.. chosen], [.. shares]));
            }
        }

        return new Dispatch(parts, rows);
    }

    /// <summary>The same rows again behind these, as the other half of a guided velocity: every expert is called once for both.</summary>
    public static Dispatch Of(RoutingChoice conditional, RoutingChoice unconditional) => Of([.. conditional.Weights, .. unconditional.Weights], conditional.Experts);

    /// <summary>One expert's rows.</summary>
    /// <param name="Expert">k.</param>
    /// <param name="Rows">Rising.</param>
    /// <param name="Shares">Their weights, none of them zero.</param>
    public sealed record Part(int Expert, long[] Rows, double[] Shares);
}
