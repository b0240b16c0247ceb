using Ddm.Runs;
using static Ddm.Diffusion.Tests.Closeness;
using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

public class SamplerTests
{
    private static readonly DiTConfig Small = new(8, 1, 4, 32, 1, 2, 2, 3, 0.1);

    /// <summary>One Gaussian's flow maps x_1 to m + C^(1/2) x_1, to which both solvers must converge with their orders.</summary>
    [Theory]
    [InlineData(Solver.Euler, 1)]
    [InlineData(Solver.Heun, 2)]
    public void SolversConvergeWithTheirOrder(Solver solver, double order)
    {
        using var scope = NewDisposeScope();
        var mixture = new GaussianMixture(1, ones(1, ScalarType.Float64), tensor(new double[,] { { 1.5 } }), tensor(new double[,,] { { { 0.25 } } }));
        var x1 = linspace(-2, 2, 9, ScalarType.Float64).unsqueeze(1);
        var exact = 1.5 + (0.5 * x1);
        double Error(int steps)
        {
            var sampler = new Sampler(MarginalFlowTests.Exact(mixture, _ => true), [1]) { StateType = ScalarType.Float64, Clamp = false, InitialNoise = x1 };
            using var result = sampler.Draw(new SampleRequest { Seeds = new long[9], Steps = steps, Solver = solver, Strategy = new FullRouting() });
            return Distance(result.Images, exact);
        }

        var (coarse, fine) = (Error(64), Error(128));
        Assert.InRange(Math.Log2(coarse / fine), order - 0.15, order + 0.35);
    }

    [Fact]
    public void ShiftMovesTheGridTowardsNoise()
    {
        Assert.Equal([1, 0.75, 0.5, 0.25, 0], TimeGrid.Uniform(4, 1));
        Assert.Equal([1, 0.9, 0.75, 0.5, 0], TimeGrid.Uniform(4, 3), (a, b) => Math.Abs(a - b) < 1e-15);
    }

    [Theory]
    [InlineData("full")]
    [InlineData("ancestral")]
    [InlineData("sample")]
    public void APictureDependsOnItsOwnSeedAndLabelAlone(string strategy)
    {
        using var model = new ShakenModel(Small, experts: 3);
        var request = new SampleRequest { Seeds = [5, 6, 7, 8, 9], Labels = [0, 1, 2, -1, 1], Steps = 4, Guidance = 2, Strategy = RoutingStrategy.Parse(strategy) };
        using var together = model.Sampler().Draw(request);
        using var cut = new Sampler(model.Ensemble(), model.Shape) { MaxBatch = 2 }.Draw(request);
        using var alone = model.Sampler().Draw(request with { Seeds = [7], Labels = [2] });

        Assert.InRange(Distance(together.Images, cut.Images), 0, 1e-5);
        Assert.InRange(Distance(together.Images.narrow(0, 2, 1), alone.Images), 0, 1e-5);
        Assert.Equal(Enumerable.Range(0, 4).Select(s => together.Choices[s, 2]), Enumerable.Range(0, 4).Select(s => alone.Choices[s, 0]));
        Assert.True(Distance(together.Images.narrow(0, 1, 1), together.Images.narrow(0, 4, 1)) > 0.01, "different seeds, the same picture");
    }

    [Fact]
    public void HeunRoutesOnceAStepAndEndsWithEuler()
    {
        using var scope = NewDisposeScope();
        var mixture = GaussianMixture.Random(3, 1, 2, isotropic: false, seed: 1);
        var router = new ExactRouter(mixture);
        var expert = Enumerable.Range(0, 3).Select(k => new ExactExpert(mixture.Only([k]))).ToArray();
        using var result = new Sampler(new Ensemble(expert, router), [2]) { StateType = ScalarType.Float64 }
            .Draw(new SampleRequest { Seeds = [1, 2], Steps = 5, Solver = Solver.Heun, Strategy = new FullRouting() });

        Assert.Equal(5, router.Calls);
        Assert.All(result.Evaluations, rows => Assert.Equal(2 * ((2 * 5) - 1), rows));
    }

    [Fact]
    public void AncestralAsksTheRouterOnceAndKeepsOneExpertAPicture()
    {
        using var scope = NewDisposeScope();
        var mixture = GaussianMixture.Random(4, 1, 2, isotropic: true, seed: 2);
        var router = new ExactRouter(mixture);
        var ensemble = new Ensemble([.. Enumerable.Range(0, 4).Select(k => new ExactExpert(mixture.Only([k])))], router);
        using var result = new Sampler(ensemble, [2]).Draw(new SampleRequest { Seeds = [.. Enumerable.Range(0, 20)], Steps = 6, Strategy = new AncestralRouting() });

        Assert.Equal(1, router.Calls);
        Assert.Equal(20 * 6, result.Evaluations.Sum());
        Assert.True(Enumerable.Range(0, 20).Select(i => result.Choices[0, i]).Distinct().Count() > 1);
        for (var i = 0; i < 20; i++)
        {
            Assert.Single(Enumerable.Range(0, 6).Select(s => result.Choices[s, i]).Distinct());
        }
    }

    [Fact]
    public void AGivenPriorReplacesTheRouter()
    {
        using var scope = NewDisposeScope();
        var mixture = GaussianMixture.Random(2, 1, 2, isotropic: true, seed: 2);
        var router = new ExactRouter(mixture);
        var ensemble = new Ensemble([.. Enumerable.Range(0, 2).Select(k => new ExactExpert(mixture.Only([k])))], router);
        using var result = new Sampler(ensemble, [2]) { Prior = new double[,] { { 0, 1 } } }
            .Draw(new SampleRequest { Seeds = [.. Enumerable.Range(0, 20)], Steps = 2, Strategy = new AncestralRouting() });

        Assert.Equal(0, router.Calls);
        Assert.All(Enumerable.Range(0, 20), i => Assert.Equal(1, result.Choices[0, i]));
    }

    [Fact]
    public void OnlyTheExpertsThatRowsNeedAreEvaluated()
    {
        using var scope = NewDisposeScope();
        var mixture = GaussianMixture.Random(3, 1, 2, isotropic: true, seed: 4);
        var experts = Enumerable.Range(0, 3).Select(k => new ExactExpert(mixture.Only([k]))).ToArray();
        using var result = new Sampler(new Ensemble(experts, new ExactRouter(mixture)), [2])
            .Draw(new SampleRequest { Seeds = [1, 2, 3], Steps = 2, Strategy = new OracleRouting(), Oracle = [2, 0, 2] });

        Assert.Equal([1, 1], experts[0].Rows);
        Assert.Empty(experts[1].Rows);
        Assert.Equal([2, 2], experts[2].Rows);
        Assert.Equal([2, 0, 4], result.Evaluations);
    }

    [Fact]
    public void GuidanceExtrapolatesFromNoConditionAndEvaluatesEachExpertOnce()
    {
        using var scope = NewDisposeScope();
        var expert = new LabelledExpert();
        using var result = new Sampler(new Ensemble([expert], new UniformRouter(1), nullLabel: 10), [1, 1, 1]) { Clamp = false, InitialNoise = zeros(2, 1, 1, 1) }
            .Draw(new SampleRequest { Seeds = [1, 2], Labels = [3, -1], Steps = 1, Guidance = 4, Strategy = new FullRouting() });

        // v = label: v_u + 4 (v_c - v_u) = 10 + 4 (3 - 10) = -18 and 10; x_0 = 0 - v
        Assert.Equal([18f, -10f], result.Images.data<float>().ToArray());
        Assert.Equal(1, expert.Calls);
    }

    [Theory]
    [InlineData(GuidanceRouting.Shared, 1)]
    [InlineData(GuidanceRouting.Separate, 2)]
    public void SeparateGuidanceRoutingAsksForBothHalves(GuidanceRouting routing, int callsAStep)
    {
        using var model = new ShakenModel(Small, experts: 2);
        using var result = model.Sampler().Draw(new SampleRequest { Seeds = [1, 2, 3], Labels = [0, 1, 2], Steps = 3, Guidance = 2, GuidanceRouting = routing, Strategy = new FullRouting() });
        Assert.Equal(3 * 3 * callsAStep, result.RouterEvaluations);
        Assert.All(result.Evaluations, rows => Assert.Equal(3 * 3 * 2, rows));
    }

    /// <summary>Where a picture keeps one expert, there is nothing to route separately; where the expert is given, there is nothing to ask.</summary>
    [Theory]
    [InlineData("ancestral", 3)]
    [InlineData("oracle", 0)]
    public void AKeptExpertIsNotRoutedForEachHalf(string strategy, int calls)
    {
        using var model = new ShakenModel(Small, experts: 2);
        using var result = model.Sampler().Draw(new SampleRequest
        {
            Seeds = [1, 2, 3],
            Labels = [0, 1, 2],
            Steps = 3,
            Guidance = 2,
            GuidanceRouting = GuidanceRouting.Separate,
            Strategy = RoutingStrategy.Parse(strategy),
            Oracle = [0, 1, 1],
        });
        Assert.Equal(calls, result.RouterEvaluations);
        Assert.Equal(3 * 3 * 2, result.Evaluations.Sum());
    }

    [Fact]
    public void TooLittleLiveMassIsRefusedNamingWhatIsMissing()
    {
        using var scope = NewDisposeScope();
        var mixture = new GaussianMixture(2, tensor(new[] { 0.9, 0.1 }), zeros(2, 1, ScalarType.Float64), ones(2, 1, 1, ScalarType.Float64));
        var ensemble = new Ensemble([null, new ExactExpert(mixture.Only([1]))], new ExactRouter(mixture));
        var request = new SampleRequest { Seeds = [1], Steps = 1, Strategy = new FullRouting() };

        var error = Assert.Throws<EnsembleDegradedException>(() => new Sampler(ensemble, [1]) { StateType = ScalarType.Float64 }.Draw(request));
        Assert.Equal(0.1, error.Mass, 6);
        Assert.Equal([0], error.Missing);

        var tolerant = new Ensemble([null, new ExactExpert(mixture.Only([1]))], new ExactRouter(mixture), liveMassFloor: 0.05);
        using var result = new Sampler(tolerant, [1]) { StateType = ScalarType.Float64 }.Draw(request);
        Assert.Equal([true], result.Degraded);
        Assert.Equal(0.1, result.LiveMass[0], 6);
    }

    [Fact]
    public void MistakesInARequestAreNamed()
    {
        using var model = new ShakenModel(Small, experts: 2);
        var sampler = model.Sampler();
        void Refused(SampleRequest request, string part)
            => Assert.Contains(part, Assert.Throws<UserErrorException>(() => sampler.Draw(request)).Message, StringComparison.Ordinal);
        Refused(new SampleRequest { Seeds = [1], Labels = [7] }, "class 7");
        Refused(new SampleRequest { Seeds = [1], Labels = [1, 2] }, "2 labels for 1 seeds");
        Refused(new SampleRequest { Seeds = [1], Steps = 0 }, "0 steps");
        Refused(new SampleRequest { Seeds = [] }, "seed");
        Refused(new SampleRequest { Seeds = [1], Shift = -1 }, "shift -1");
    }

    [Fact]
    public void CancellationStopsBetweenSteps()
    {
        using var model = new ShakenModel(Small, experts: 2);
        using var source = new CancellationTokenSource();
        var steps = 0;
        var progress = new Observer(p => { steps = p.Step; if (p.Step == 2) { source.Cancel(); } });
        Assert.Throws<OperationCanceledException>(() => model.Sampler().Sample(new SampleRequest { Seeds = [1], Steps = 5 }, progress, source.Token));
        Assert.Equal(2, steps);
    }

    [Fact]
    public void NoTensorOutlivesADrawing()
    {
        using var model = new ShakenModel(Small, experts: 3);
        foreach (var strategy in new[] { "full", "ancestral", "top-1" })
        {
            var request = new SampleRequest { Seeds = [1, 2, 3], Labels = [0, 1, 2], Steps = 3, Guidance = 2, Solver = Solver.Heun, GuidanceRouting = GuidanceRouting.Separate, Strategy = RoutingStrategy.Parse(strategy) };
            model.Sampler().Draw(request).Dispose();
            var before = Tensor.TotalCount;
            model.Sampler().Draw(request).Dispose();
            Assert.Equal(before, Tensor.TotalCount);
        }
    }

    /// <summary>v = the label, so that guidance can be computed in the head.</summary>
    private sealed class LabelledExpert : IVelocityModel
    {
        public int Calls { get; private set; }

        public Tensor Velocity(Tensor x, Tensor t, Tensor? labels)
        {
            Calls++;
            return labels!.to(x.dtype).view(-1, 1, 1, 1).expand(x.shape).clone();
        }
    }

    private sealed class Observer(Action<SampleProgress> see) : IProgress<SampleProgress>
    {
        public void Report(SampleProgress value) => see(value);
    }
}
