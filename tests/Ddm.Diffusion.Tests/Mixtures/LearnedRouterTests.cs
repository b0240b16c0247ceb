using Ddm.Tensors;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Ddm.Diffusion.Tests;

/// <summary>
/// Algorithm 1 of the paper on a 2-D mixture whose posterior is known: three overlapping clusters of unequal priors, and a class that changes the priors. Cross-entropy on (x_t, t, c, k), the
/// condition dropped in a tenth of the rows, must find p(k | x_t, t, c), priors included, at every t.
/// </summary>
public sealed class LearnedRouterTests : IDisposable
{
    private const int Bins = 8;
    private const int NoLabel = 2;
    private const double Std = 0.5;
    private const double KlLimit = 0.005; // nats, the mean of a t-bin

    private static readonly double[,] Joint = { { 0.36, 0.18, 0.06 }, { 0.04, 0.12, 0.24 } }; // p(c, k)
    private static readonly float[,] Means = { { 1.2f, 0 }, { -0.7f, 1 }, { -0.6f, -1.1f } };

    private readonly Generator generator = new(17, CPU);

    [Fact]
    public void CrossEntropyFindsThePosteriorAtEveryTime()
    {
        using var scope = NewDisposeScope();
        var router = new SmallRouter(generator);
        const int steps = 1500;
        for (var step = 1; step <= steps; step++)
        {
            using var inner = NewDisposeScope();
            var t = rand([512], generator: generator);
            var (x, label, k) = Draw(t, pairs: Joint);
            var kept = rand([512], generator: generator).gt(tensor(0.1f));
            label = where(kept, label, tensor((long)NoLabel));
            router.Update(F.cross_entropy(router.Forward(x, t, label), k), step, 4e-3 * (1 - (step / (steps + 1.0))));
        }

        using var noGrad = no_grad();
        var divergences = Enumerable.Range(0, 3).SelectMany(label => Enumerable.Range(0, Bins).Select(bin => (label, bin, Kl: Divergence(router, label, bin)))).ToArray();
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join(" ", divergences.Select(d => d.Kl.ToString("E1", System.Globalization.CultureInfo.InvariantCulture))));
        Assert.All(divergences, d => Assert.InRange(d.Kl, 0, KlLimit));
        // the null condition and the classes have different posteriors: one of them alone would not do
        Assert.True(Divergence(router, label: 0, bin: Bins - 1, askedAs: NoLabel) > 5 * KlLimit);
    }

    public void Dispose() => generator.Dispose();

    /// <summary>E KL(p || learned) over x_t of one label and t of one bin.</summary>
    private double Divergence(SmallRouter router, int label, int bin, int? askedAs = null)
    {
        using var scope = NewDisposeScope();
        const int rows = 3000;
        var t = (linspace(0, 1, rows).Plus(Arithmetic.Filled([rows], bin, ScalarType.Float32, CPU)) / tensor((float)Bins)).minimum(tensor(0.9999f));
        var weights = Weights(label);
        var (x, _, _) = Draw(t, new double[,] { { weights[0], weights[1], weights[2] } });
        var exact = F.log_softmax(LogPosterior(x, t, weights), 1);
        var learned = F.log_softmax(router.Forward(x, t, Arithmetic.Filled([rows], askedAs ?? label, ScalarType.Int64, CPU)), 1);
        return (exact.exp() * exact.Minus(learned)).sum(1).mean().item<float>();
    }

    private static double[] Weights(int label)
    {
        double[] joint = [.. Enumerable.Range(0, 3).Select(k => label == NoLabel ? Joint[0, k] + Joint[1, k] : Joint[label, k])];
        return [.. joint.Select(p => p / joint.Sum())];
    }

    /// <summary>x_t, class and cluster of rows drawn from p(c, k).</summary>
    private (Tensor X, Tensor Label, Tensor Cluster) Draw(Tensor t, double[,] pairs)
    {
        var drawn = multinomial(tensor(pairs).flatten(), t.size(0), replacement: true, generator: generator);
        var cluster = drawn.remainder(tensor(3L));
        var x0 = tensor(Means).index_select(0, cluster).Plus(randn([t.size(0), 2], generator: generator), Std);
        return (LinearPath.Interpolate(x0, randn([t.size(0), 2], generator: generator), t), (drawn.Minus(cluster) / tensor(3L)).to(ScalarType.Int64), cluster);
    }

    /// <summary>log w_k - |x - (1 - t) m_k|² / 2 ((1 - t)² s² + t²), the closed form up to a constant of the row.</summary>
    private static Tensor LogPosterior(Tensor x, Tensor t, double[] weights)
    {
        var s = t.view(-1, 1, 1);
        var residual = x.unsqueeze(1).Minus(s.OneMinus() * tensor(Means));
        var spread = (t * t).Plus(t.OneMinus() * t.OneMinus(), Std * Std).unsqueeze(1);
        return tensor(weights.Select(w => (float)Math.Log(w)).ToArray()).Plus((residual * residual).sum(-1) / spread, -0.5);
    }

    /// <summary>(x, t, one-hot label) -> 64 -> 64 -> 3 with SiLU, trained by AdamW.</summary>
    private sealed class SmallRouter
    {
        private static readonly TorchSharp.Scalar MaxNorm = 10.0;

        private readonly Tensor[] weights;
        private readonly Tensor[] first;
        private readonly Tensor[] second;

        public SmallRouter(Generator generator)
        {
            (int In, int Out)[] layers = [(6, 64), (64, 64), (64, 3)];
            weights = [.. layers.SelectMany(l => new[]
            {
                (randn([l.Out, l.In], generator: generator) / tensor((float)Math.Sqrt(l.In))).requires_grad_(),
                zeros(l.Out).requires_grad_(),
            })];
            first = [.. weights.Select(w => zeros_like(w))];
            second = [.. weights.Select(w => zeros_like(w))];
        }

        public Tensor Forward(Tensor x, Tensor t, Tensor label)
        {
            var condition = label.unsqueeze(1).eq(tensor(new long[] { 0, 1, NoLabel })).to(ScalarType.Float32);
            var h = cat([x, t.unsqueeze(1), condition], dim: 1);
            h = F.silu(F.linear(h, weights[0], weights[1]));
            h = F.silu(F.linear(h, weights[2], weights[3]));
            return F.linear(h, weights[4], weights[5]);
        }

        public void Update(Tensor loss, int step, double rate)
        {
            var gradients = autograd.grad([loss], weights).ToArray();
            var statistics = ForeachOps.Measure(gradients, loss.detach(), MaxNorm);
            ForeachOps.FusedAdamW(weights, gradients, first, second, tensor((float)step), new AdamWSettings(rate), statistics);
        }
    }
}
