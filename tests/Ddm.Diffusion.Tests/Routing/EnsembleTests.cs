using Ddm.Runs;
using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

public class EnsembleTests
{
    [Fact]
    public void AnEnsembleKnowsWhoIsThere()
    {
        var whole = new Ensemble([new Constant(1), new Constant(2)], new UniformRouter(2), nullLabel: 10);
        Assert.Equal((2, false, 10, 0.2), (whole.Count, whole.Degraded, whole.NullLabel, whole.LiveMassFloor));
        var degraded = new Ensemble([null, new Constant(2), null], new UniformRouter(3), liveMassFloor: 0.5);
        Assert.Equal((3, true, null, 0.5), (degraded.Count, degraded.Degraded, degraded.NullLabel, degraded.LiveMassFloor));
        Assert.Equal([false, true, false], degraded.Available);
    }

    [Fact]
    public void WithoutAnyExpertThereIsNoEnsemble() => Assert.Equal(
        "None of the 2 experts is there: train or restore at least one.",
        Assert.Throws<UserErrorException>(() => new Ensemble([null, null], new UniformRouter(2))).Message);

    [Fact]
    public void ARouterOfAnotherModelIsRefused()
    {
        using var scope = NewDisposeScope();
        var ensemble = new Ensemble([new Constant(1), new Constant(2)], new UniformRouter(3));
        var error = Assert.Throws<InvalidOperationException>(() => ensemble.Probabilities(zeros(1, 2), ones(1), null));
        Assert.Equal("The router gives 3 logits for 2 experts: it belongs to another model.", error.Message);
    }

    [Fact]
    public void ProbabilitiesCountTheMissingAndLiveOnesDoNot()
    {
        using var scope = NewDisposeScope();
        var ensemble = new Ensemble([new Constant(1), null, new Constant(3)], new Fixed([Math.Log(1), Math.Log(4), Math.Log(3)]));
        var (x, t) = (zeros([2, 1], ScalarType.Float64), ones([2], ScalarType.Float64));
        Assert.Equal([0.125, 0.5, 0.375, 0.125, 0.5, 0.375], ensemble.Probabilities(x, t, null).data<double>().ToArray(), Near);
        Assert.Equal([0.25, 0, 0.75, 0.25, 0, 0.75], ensemble.LiveProbabilities(x, t, null).data<double>().ToArray(), Near);
        Assert.Equal([0.5, 0.5], ensemble.LiveMass(x, null), Near);
    }

    [Fact]
    public void AWholeEnsembleHasAllTheMassAndItsRouterIsNotAsked()
    {
        using var scope = NewDisposeScope();
        Assert.Equal([1.0, 1.0], new Ensemble([new Constant(1)], new UniformRouter(7)).LiveMass(zeros(2, 1), null));
    }

    [Fact]
    public void TheVelocityIsTheWeightedSumAndOnlyRowsWithWeightAreEvaluated()
    {
        using var scope = NewDisposeScope();
        var ensemble = new Ensemble([new Constant(1), new Constant(10), null, new Constant(100)], new UniformRouter(4));
        var weights = tensor(new[] { 1, 0, 0, 0, 0.25, 0.75, 0, 0, 0, 0.5, 0, 0.5 }, [3, 4]);
        var evaluations = new long[] { 5, 0, 0, 0 };

        var velocity = ensemble.Velocity(zeros([3, 2], ScalarType.Float64), zeros([3], ScalarType.Float64), null, weights, evaluations);

        Assert.Equal([3, 2], velocity.shape);
        Assert.Equal([1, 1, 7.75, 7.75, 55, 55], velocity.data<double>().ToArray(), Near);
        Assert.Equal([7, 2, 0, 1], evaluations);
    }

    [Fact]
    public void EveryExpertMayHaveAllRows()
    {
        using var scope = NewDisposeScope();
        var ensemble = new Ensemble([new Constant(1), new Constant(10)], new UniformRouter(2));
        var velocity = ensemble.Velocity(zeros(2, 1), zeros(2), null, tensor(new[] { 0.5, 0.5, 0.25, 0.75 }, [2, 2]));
        Assert.Equal(ScalarType.Float32, velocity.dtype);
        Assert.Equal([5.5f, 7.75f], velocity.data<float>().ToArray());
    }

    [Fact]
    public void AMissingExpertWithWeightIsNamed()
    {
        using var scope = NewDisposeScope();
        var ensemble = new Ensemble([new Constant(1), null], new UniformRouter(2));
        var error = Assert.Throws<InvalidOperationException>(
            () => ensemble.Velocity(zeros(1, 1), zeros(1), null, tensor(new[] { 0.5, 0.5 }, [1, 2])));
        Assert.Equal("A row gives weight to expert 1, which is missing.", error.Message);
    }

    [Theory]
    [InlineData(7L, "Experts 1, 4 are missing, and the others hold only 12.5 % of the probability of class 7, below the floor of 20 %: restore")]
    [InlineData(null, "Experts 1, 4 are missing, and the others hold only 12.5 % of the probability, below the floor of 20 %: restore")]
    public void TooLittleMassSaysHowMuchOfWhat(long? label, string expected)
    {
        var error = new EnsembleDegradedException(0.125, 0.2, [1, 4], label);
        Assert.StartsWith(expected, error.Message, StringComparison.Ordinal);
        Assert.EndsWith("ask for another class, or lower the floor.", error.Message, StringComparison.Ordinal);
        Assert.Equal((0.125, 0.2), (error.Mass, error.Floor));
        Assert.Equal([1, 4], error.Missing);
    }

    private static bool Near(double a, double b) => Math.Abs(a - b) < 1e-12;

    private sealed class Constant(double velocity) : IVelocityModel
    {
        public Tensor Velocity(Tensor x, Tensor t, Tensor? labels) => full_like(x, velocity);
    }

    private sealed class Fixed(double[] logits) : IRouterModel
    {
        public Tensor Logits(Tensor x, Tensor t, Tensor? labels) => tensor(logits).expand(x.size(0), -1);
    }
}
