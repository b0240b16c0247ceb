using static Ddm.Diffusion.Tests.Closeness;
using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

public class MarginalFlowTests
{
    private static readonly double[] Times = [1e-3, 0.01, 0.1, 0.3, 0.5, 0.8, 0.95, 0.999, 1];

    public static TheoryData<int, int, bool> Mixtures => new()
    {
        { 2, 1, true }, { 2, 2, false }, { 2, 8, false }, { 5, 1, false }, { 5, 3, true }, { 5, 4, false }, { 16, 2, true }, { 16, 5, false }, { 16, 8, false },
    };

    [Theory]
    [MemberData(nameof(Mixtures))]
    public void ExactExpertsAndRouterGiveTheMarginalFlow(int clusters, int dimensions, bool isotropic)
    {
        using var scope = NewDisposeScope();
        var mixture = GaussianMixture.Random(clusters, perCluster: 2, dimensions, isotropic, seed: clusters + (100 * dimensions));
        var (x, t) = Points(mixture);
        var ensemble = Exact(mixture, _ => true);

        var velocity = ensemble.Velocity(x, t, null, new FullRouting().Weights(Context(ensemble, x, t)));

        Assert.InRange(RelativeDistance(velocity, mixture.MarginalFlow(x, t)), 0, 1e-10);
    }

    [Theory]
    [MemberData(nameof(Mixtures))]
    public void WithoutSomeExpertsItIsTheFlowOfTheRemainingSubMixture(int clusters, int dimensions, bool isotropic)
    {
        using var scope = NewDisposeScope();
        var mixture = GaussianMixture.Random(clusters, perCluster: 2, dimensions, isotropic, seed: 7 + clusters + (100 * dimensions));
        var (x, t) = Points(mixture); // rows of the missing clusters too: the identity holds everywhere
        var ensemble = Exact(mixture, k => k % 2 == 1);

        var velocity = ensemble.Velocity(x, t, null, new FullRouting().Weights(Context(ensemble, x, t)));

        var remaining = mixture.Only(Enumerable.Range(0, clusters).Where(k => k % 2 == 1));
        Assert.InRange(RelativeDistance(velocity, remaining.MarginalFlow(x, t)), 0, 1e-10);
    }

    [Fact]
    public void TheLiveMassIsTheMissingClustersShareAtPureNoise()
    {
        using var scope = NewDisposeScope();
        var mixture = GaussianMixture.Random(clusters: 5, perCluster: 2, dimensions: 3, isotropic: false, seed: 3);
        var ensemble = Exact(mixture, k => k != 2);
        var missing = mixture.Weights.index_select(0, tensor(mixture.Components(2).ToArray())).sum().item<double>();

        var mass = ensemble.LiveMass(randn([4, 3], ScalarType.Float64), null);

        Assert.All(mass, m => Assert.Equal(1 - missing, m, 12));
    }

    /// <summary>Deep inside a missing cluster the live ones' probabilities are zero as floats; their ratio must survive.</summary>
    [Fact]
    public void LiveProbabilitiesHoldWhereTheMissingClusterOwnsThePoint()
    {
        using var scope = NewDisposeScope();
        var means = tensor(new double[,] { { 0 }, { 100 }, { 101 } });
        var mixture = new GaussianMixture(3, ones(3, ScalarType.Float64), means, ones(3, 1, 1, ScalarType.Float64));
        var ensemble = Exact(mixture, k => k != 0);

        var live = ensemble.LiveProbabilities(zeros(1, 1, ScalarType.Float64), tensor(new[] { 0.01 }), null).data<double>().ToArray();

        // log p_1 - log p_2 = (1-t)² (101² - 100²) / 2 ((1-t)² + t²) is about 100
        Assert.Equal(0, live[0]);
        Assert.Equal(1, live[1], 12);
        Assert.InRange(Math.Log(live[2]), -101, -100);
    }

    internal static Ensemble Exact(GaussianMixture mixture, Func<int, bool> available)
        => new([.. Enumerable.Range(0, mixture.Clusters).Select(k => available(k) ? new ExactExpert(mixture.Only([k])) : null)], new ExactRouter(mixture), liveMassFloor: 0);

    private static RoutingContext Context(Ensemble ensemble, Tensor x, Tensor t) => new()
    {
        Probabilities = ensemble.LiveProbabilities(x, t, null),
        Available = ensemble.Available,
        Uniforms = new double[x.size(0)],
    };

    private static (Tensor X, Tensor T) Points(GaussianMixture mixture)
    {
        using var generator = new Generator(11, CPU);
        var t = tensor(Times).repeat(20);
        return (mixture.Draw(t, generator), t);
    }
}
