using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Evaluation;

/// <summary>Measures p(k | x_t, t, c) against the true clusters of held-out rows.</summary>
public static class RouterDiagnostics
{
    private const int ConfidenceBins = 15;

    /// <summary>Measures a router as it answers when pictures are drawn.</summary>
    /// <param name="router">The router; an unconditional one ignores labels.</param>
    /// <param name="rows">Held-out rows with their clusters.</param>
    /// <param name="clusters">K.</param>
    /// <param name="options">Bins, seed, batch.</param>
    /// <param name="cancellation">Looked at before every batch.</param>
    /// <exception cref="ArgumentException">As of the other overload.</exception>
    public static RouterReport Measure(
        IRouterModel router, EvaluationRows rows, int clusters, RouterDiagnosticsOptions? options = null, CancellationToken cancellation = default)
        => Measure(router.Logits, rows, clusters, options, cancellation);

    /// <summary>
    /// Evaluates the router on every row once in each of equal intervals of t. Noise and times are functions of the seed, the interval and
    /// the row alone, so that two routers, or one at two steps, are compared on the same inputs.
    /// </summary>
    /// <param name="logits">(x [N, C, H, W], t [N], condition [N, ...] or null) -> logits [N, K]. The condition is the rows' captions where the run has text, else their labels, null when some row has none.</param>
    /// <param name="rows">Held-out rows with their clusters.</param>
    /// <param name="clusters">K.</param>
    /// <param name="options">Bins, seed, batch.</param>
    /// <param name="cancellation">Looked at before every batch.</param>
    /// <exception cref="ArgumentException">The rows are none, have no clusters, or name a cluster outside 0..K-1; or the router answers with another K.</exception>
    public static RouterReport Measure(
        Func<Tensor, Tensor, Tensor?, Tensor> logits, EvaluationRows rows, int clusters, RouterDiagnosticsOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new RouterDiagnosticsOptions();
        if (rows.Clusters is null || rows.Count == 0 || Array.Exists(rows.Clusters, k => k < 0 || k >= clusters))
        {
            throw new ArgumentException($"The router is measured on rows whose clusters lie in 0..{clusters - 1}; got {rows.Count} rows.", nameof(rows));
        }

        TorchNative.EnsureLoaded();
        var noise = Philox.Create(options.Seed, Role.Router.StreamKey, RandomStreams.HeldOut);
        var bins = new RouterBin[options.Bins];
        for (var bin = 0; bin < bins.Length; bin++)
        {
            var (from, to) = ((double)bin / bins.Length, (bin + 1.0) / bins.Length);
            var tally = new RouterTally(clusters, ConfidenceBins);
            for (var first = 0; first < rows.Count; first += options.BatchRows)
            {
                cancellation.ThrowIfCancellationRequested();
                AddBatch(tally, logits, rows, (first, Math.Min(options.BatchRows, rows.Count - first)), noise, (bin, from, to), options.Device ?? CPU);
            }

            bins[bin] = tally.Close(from, to);
        }

        return new RouterReport(
            clusters,
            rows.Count,
            Entropies.OfCounts(Counts(rows.Clusters, clusters)),
            rows.Labelled ? Entropies.ClusterGivenClass(rows.Clusters, rows.Labels, clusters) : null,
            Counts(rows.Clusters, clusters).Max() / (double)rows.Count,
            bins);
    }

    private static void AddBatch(
        RouterTally tally,
        Func<Tensor, Tensor, Tensor?, Tensor> logits,
        EvaluationRows rows,
        (int First, int Count) block,
        Philox noise,
        (int Number, double From, double To) bin,
        Device device)
    {
        var (first, count) = block;
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var noised = NoisedRows.Of(rows, first, count, noise, bin, device);
        var answer = logits(noised.Xt, noised.T, rows.Condition(first, count)?.to(device));
        if (answer.dim() != 2 || answer.size(0) != count || answer.size(1) != tally.Clusters)
        {
            throw new ArgumentException($"The router answered [{string.Join(", ", answer.shape)}] where [{count}, {tally.Clusters}] was expected.", nameof(logits));
        }

        tally.Add(answer.to(float64).log_softmax(1).cpu().data<double>().ToArray(), rows.Clusters.AsSpan(first, count));
    }

    private static long[] Counts(int[] clusters, int k)
    {
        var counts = new long[k];
        foreach (var cluster in clusters)
        {
            counts[cluster]++;
        }

        return counts;
    }
}
