using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

/// <summary>
/// sum_j w_j N(m_j, C_j) in closed form under x_t = (1 - t) x_0 + t eps, float64. Component j belongs to cluster <c>j mod K</c>.
/// Given j: x_t ~ N((1-t) m, S), S = (1-t)² C + t² I; E[eps | x_t] = t S⁻¹ r and E[x_0 | x_t] = m + (1-t) C S⁻¹ r with r = x_t - (1-t) m.
/// </summary>
internal sealed class GaussianMixture
{
    private readonly Tensor logWeights; // [J]
    private readonly Tensor means; // [J, d]
    private readonly Tensor covariances; // [J, d, d]
    private readonly Tensor axes; // [J, d, d]: C = U diag(variances) U^T
    private readonly Tensor variances; // [J, d]

    public GaussianMixture(int clusters, Tensor weights, Tensor means, Tensor covariances)
    {
        Clusters = clusters;
        Weights = weights / weights.sum();
        logWeights = Weights.log() - (means.size(1) * Math.Log(2 * Math.PI) / 2); // with the densities' constant
        (this.means, this.covariances) = (means, covariances);
        (variances, axes) = linalg.eigh(covariances);
    }

    public int Clusters { get; }

    public Tensor Weights { get; }

    public Tensor Means => means;

    public int Dimensions => (int)means.size(1);

    public IEnumerable<long> Components(int cluster) => Enumerable.Range(0, (int)means.size(0)).Where(j => j % Clusters == cluster).Select(j => (long)j);

    /// <summary>Random unequal weights, means and covariances, isotropic or not.</summary>
    public static GaussianMixture Random(int clusters, int perCluster, int dimensions, bool isotropic, long seed)
    {
        using var generator = new Generator((ulong)seed, CPU);
        var count = clusters * perCluster;
        var weights = rand([count], ScalarType.Float64, generator: generator) + 0.1;
        var means = 2 * randn([count, dimensions], ScalarType.Float64, generator: generator);
        var roots = randn([count, dimensions, dimensions], ScalarType.Float64, generator: generator) / Math.Sqrt(dimensions);
        var covariances = isotropic
            ? (rand([count, 1, 1], ScalarType.Float64, generator: generator) + 0.2) * eye(dimensions, dtype: ScalarType.Float64)
            : roots.matmul(roots.mT) + (0.1 * eye(dimensions, dtype: ScalarType.Float64));
        return new GaussianMixture(clusters, weights, means, covariances);
    }

    /// <summary>The mixture of some clusters alone, each keeping its own number of components.</summary>
    public GaussianMixture Only(IEnumerable<int> clusters)
    {
        var index = tensor(clusters.SelectMany(Components).ToArray());
        return new GaussianMixture(1, Weights.index_select(0, index), means.index_select(0, index), covariances.index_select(0, index));
    }

    /// <summary>x_t of the mixture: [n, d] and the component of each row.</summary>
    public Tensor Draw(Tensor t, Generator generator)
    {
        var n = t.size(0);
        var component = multinomial(Weights, n, replacement: true, generator: generator);
        var roots = linalg.cholesky(covariances).index_select(0, component);
        var x0 = means.index_select(0, component) + roots.matmul(randn([n, Dimensions, 1], ScalarType.Float64, generator: generator)).squeeze(-1);
        return LinearPath.Interpolate(x0, randn([n, Dimensions], ScalarType.Float64, generator: generator), t);
    }

    /// <summary>log w_j N(x_t; j), [n, J].</summary>
    private Tensor LogJoint(Tensor x, Tensor t)
    {
        var (residual, spread) = Residual(x, t);
        var exponent = (residual * residual / spread).sum(-1).Plus(spread.log().sum(-1)); // and d log 2 pi, which the constant holds
        return logWeights.Plus(exponent, -0.5);
    }

    /// <summary>log of the mass and density of every cluster, [n, K]: what an exact router answers.</summary>
    public Tensor LogClusters(Tensor x, Tensor t)
    {
        var joint = LogJoint(x, t);
        return stack([.. Enumerable.Range(0, Clusters).Select(k => joint.index_select(1, tensor(Components(k).ToArray())).logsumexp(1))], 1);
    }

    /// <summary>The velocity by conditional expectations, component by component: what an exact expert answers. [n, d]</summary>
    public Tensor Velocity(Tensor x, Tensor t)
    {
        var (residual, spread) = Residual(x, t);
        var solved = Back(residual / spread); // S⁻¹ r
        var s = t.view(-1, 1, 1);
        var eps = s * solved;
        var x0 = means.Plus(s.OneMinus() * einsum("jde,nje->njd", covariances, solved));
        var posterior = nn.functional.softmax(LogJoint(x, t), 1).unsqueeze(-1);
        return (posterior * eps.Minus(x0)).sum(1);
    }

    /// <summary>
    /// The marginal flow of the whole mixture by another road: the score of log p_t by automatic differentiation, E[eps] = -t score, E[x_0] = (x_t - t E[eps]) / (1 - t). At t = 1
    /// noise says nothing about x_0, and v = x_1 - E[x_0].
    /// </summary>
    public Tensor MarginalFlow(Tensor x, Tensor t)
    {
        var at = x.detach().clone().requires_grad_();
        var score = autograd.grad([LogJoint(at, t).logsumexp(1).sum()], [at])[0];
        var s = t.unsqueeze(1);
        var eps = s.neg() * score;
        var x0 = where(s.OneMinus().logical_not(), (Weights.unsqueeze(1) * means).sum(0, keepdim: true), x.Minus(s * eps) / s.OneMinus());
        return eps.Minus(x0);
    }

    private Tensor Back(Tensor along) => einsum("jde,nje->njd", axes, along);

    /// <summary>r along the axes of C, and the variances of S along them; both [n, J, d].</summary>
    private (Tensor Residual, Tensor Spread) Residual(Tensor x, Tensor t)
    {
        var s = t.view(-1, 1, 1);
        var residual = x.unsqueeze(1).Minus(s.OneMinus() * means);
        return (einsum("jed,nje->njd", axes, residual), (s.OneMinus() * s.OneMinus() * variances).Plus(s * s));
    }
}
