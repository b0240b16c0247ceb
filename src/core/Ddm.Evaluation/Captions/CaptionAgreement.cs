using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Evaluation;

/// <summary>Measures what captions are worth to experts and router: see <see cref="CaptionReport"/>.</summary>
public sealed class CaptionAgreement
{
    private static readonly long[] ImageDimensions = [1, 2, 3];

    private readonly Ensemble model;
    private readonly IRouterModel? blind;
    private readonly EvaluationRows rows;
    private readonly CaptionOptions options;
    private readonly int[] wrong; // by row: whose caption is its wrong one; -1: the row is left out
    private readonly Device device;

    private CaptionAgreement(Ensemble model, IRouterModel? blind, EvaluationRows rows, CaptionOptions options)
    {
        (this.model, this.blind, this.rows, this.options, device) = (model, blind, rows, options, options.Device ?? CPU);
        wrong = WrongCaptions(rows, options.Seed);
    }

    /// <summary>Measures a model.</summary>
    /// <param name="model">Experts and the router that sees captions.</param>
    /// <param name="rows">Held-out rows with clusters and captions.</param>
    /// <param name="blind">A router that was trained without captions, and its name; null: the model's own, told of no caption.</param>
    /// <param name="options">Intervals, draws, seed.</param>
    /// <param name="cancellation">Looked at before every batch.</param>
    /// <returns>Null where there is nothing to measure: no captions, an expert missing, or no two captions in any cluster.</returns>
    public static CaptionReport? Measure(
        Ensemble model, EvaluationRows rows, (IRouterModel Router, string Name)? blind = null, CaptionOptions? options = null, CancellationToken cancellation = default)
    {
        TorchNative.EnsureLoaded();
        if (!rows.Captioned || rows.Count == 0 || model.Degraded || rows.Clusters is null)
        {
            return null;
        }

        var measurement = new CaptionAgreement(model, blind?.Router, rows, options ?? new CaptionOptions());
        return Array.TrueForAll(measurement.wrong, row => row < 0) ? null : measurement.Run(blind?.Name ?? "the same router told of no caption", cancellation);
    }

    private CaptionReport Run(string blindName, CancellationToken cancellation)
    {
        var noise = Philox.Create(options.Seed, Role.Router.StreamKey, RandomStreams.HeldOut);
        var tallies = Enumerable.Range(0, options.Bins).Select(_ => new Tally(rows.Count)).ToArray();
        using var noGrad = no_grad();
        for (var bin = 0; bin < options.Bins; bin++)
        {
            var (from, to) = ((double)bin / options.Bins, (bin + 1.0) / options.Bins);
            for (var draw = 0; draw < options.Draws; draw++)
            {
                for (var first = 0; first < rows.Count; first += options.BatchRows)
                {
                    cancellation.ThrowIfCancellationRequested();
                    using var scope = NewDisposeScope();
                    var count = Math.Min(options.BatchRows, rows.Count - first);
                    Add(tallies[bin], NoisedRows.Of(rows, first, count, noise, ((bin * options.Draws) + draw, from, to), device), first, count, from);
                }
            }
        }

        return Report(tallies, blindName);
    }

    private void Add(Tally tally, NoisedRows noised, int first, int count, double from)
    {
        var indices = Enumerable.Range(first, count).ToArray();
        var clusters = Array.ConvertAll(indices, row => rows.Clusters![row]);
        var right = rows.Captions(indices).to(device);
        var own = Errors(noised, right, clusters);
        Tally.AddTo(tally.Right, first, own);
        Tally.AddTo(tally.Wrong, first, Errors(noised, rows.Captions(Array.ConvertAll(indices, row => wrong[row])).to(device), clusters));
        var none = rows.Captions([.. Enumerable.Repeat(-1, count)]).to(device);
        Tally.AddTo(tally.None, first, Errors(noised, none, clusters));
        if (from < options.RoutedFrom - 1e-9)
        {
            return;
        }

        var seeing = Choices(model.Probabilities(noised.Xt, noised.T, right));
        var blindly = Choices(blind is null ? model.Probabilities(noised.Xt, noised.T, none) : blind.Logits(noised.Xt, noised.T, null));
        Tally.AddTo(tally.Own, first, own);
        Tally.AddTo(tally.Seeing, first, Errors(noised, right, seeing));
        Tally.AddTo(tally.Blind, first, Errors(noised, right, blindly));
        Tally.AddTo(tally.SeeingHits, first, Hits(seeing));
        Tally.AddTo(tally.BlindHits, first, Hits(blindly));

        double[] Hits(int[] chosen) => [.. chosen.Zip(clusters, (k, truth) => k == truth ? 1.0 : 0)];
    }

    // Mean squared error of each row's velocity by the expert named for it.
    private double[] Errors(NoisedRows noised, Tensor captions, int[] experts)
    {
        using var scope = NewDisposeScope();
        var weights = new double[experts.Length, model.Count];
        for (var row = 0; row < experts.Length; row++)
        {
            weights[row, experts[row]] = 1;
        }

        var velocity = model.Velocity(noised.Xt, noised.T, captions, tensor(weights));
        return velocity.Minus(noised.Velocity).square().mean(ImageDimensions).to(float64).cpu().data<double>().ToArray();
    }

    private static int[] Choices(Tensor scores) => Array.ConvertAll(scores.argmax(1).cpu().data<long>().ToArray(), k => (int)k);

    private CaptionReport Report(Tally[] tallies, string blindName)
    {
        var measured = Enumerable.Range(0, rows.Count).Where(row => wrong[row] >= 0).ToArray();
        double[] Mean(Func<Tally, double[]> of, Func<int, bool>? bins = null)
        {
            var chosen = tallies.Where((_, bin) => bins?.Invoke(bin) ?? true).ToArray();
            return Array.ConvertAll(measured, row => chosen.Sum(tally => of(tally)[row]) / chosen.Length / options.Draws);
        }

        var (right, wrongs, none) = (Mean(t => t.Right), Mean(t => t.Wrong), Mean(t => t.None));
        var lines = tallies.Select((_, bin) =>
        {
            var (r, w, n) = (Mean(t => t.Right, b => b == bin), Mean(t => t.Wrong, b => b == bin), Mean(t => t.None, b => b == bin));
            return new CaptionBin((double)bin / options.Bins, (bin + 1.0) / options.Bins, r.Average(), w.Average(), n.Average(), PairedMean.Of(r, w));
        });
        bool Routed(int bin) => (double)bin / options.Bins >= options.RoutedFrom - 1e-9;
        var (seeing, blindly) = (Mean(t => t.Seeing, Routed), Mean(t => t.Blind, Routed));
        var routing = new RoutingComparison(
            options.RoutedFrom, blindName, Mean(t => t.SeeingHits, Routed).Average(), Mean(t => t.BlindHits, Routed).Average(),
            seeing.Average(), blindly.Average(), Mean(t => t.Own, Routed).Average(), PairedMean.Of(seeing, blindly));
        return new CaptionReport(
            measured.Length, right.Average(), wrongs.Average(), none.Average(), PairedMean.Of(right, wrongs), PairedMean.Of(right, none),
            right.Zip(wrongs, (r, w) => r < w ? 1.0 : 0).Average(), [.. lines], routing);
    }

    // Another row's caption of the same cluster, by a shuffle: the next one in it that is a different caption.
    private static int[] WrongCaptions(EvaluationRows rows, long seed)
    {
        var wrong = new int[rows.Count];
        Array.Fill(wrong, -1);
        var order = new FeistelPermutation(rows.Count, Philox.Create(seed, Role.Router.StreamKey, RandomStreams.HeldOut), epoch: 0);
        var captions = rows.CaptionNumbers();
        var shuffled = Enumerable.Range(0, rows.Count).Select(i => (int)order[i]).Where(rows.HasCaption);
        foreach (var cluster in shuffled.GroupBy(row => rows.Clusters![row]).Select(group => group.ToArray()))
        {
            for (var i = 0; i < cluster.Length; i++)
            {
                wrong[cluster[i]] = Enumerable.Range(1, cluster.Length - 1).Select(step => cluster[(i + step) % cluster.Length])
                    .Where(other => captions[cluster[i]] != captions[other]).DefaultIfEmpty(-1).First();
            }
        }

        return wrong;
    }

    /// <summary>Sums of one interval, by row.</summary>
    private sealed class Tally(int rows)
    {
        public double[] Right { get; } = new double[rows];

        public double[] Wrong { get; } = new double[rows];

        public double[] None { get; } = new double[rows];

        public double[] Own { get; } = new double[rows];

        public double[] Seeing { get; } = new double[rows];

        public double[] Blind { get; } = new double[rows];

        public double[] SeeingHits { get; } = new double[rows];

        public double[] BlindHits { get; } = new double[rows];

        public static void AddTo(double[] sums, int first, double[] values)
        {
            for (var i = 0; i < values.Length; i++)
            {
                sums[first + i] += values[i];
            }
        }
    }
}
