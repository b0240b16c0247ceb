using Ddm.Runs;
using static Ddm.Diffusion.Tests.Closeness;
using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

/// <summary>What share of the drawn points each mode gets, with exact experts and router.</summary>
public class ModeShareTests
{
    private const int Points = 10_000;
    private static readonly double[] Shares = [0.55, 0.3, 0.15];

    [Theory]
    [InlineData("full", 40)]
    [InlineData("sample", 150)] // a fresh expert at every step: right in the limit of small steps
    [InlineData("ancestral", 20)]
    public void ExactStrategiesReproduceTheMixture(string strategy, int steps)
        => Assert.InRange(ChiSquare(Count(strategy, steps), Shares), 0, ChiSquareLimit(2));

    /// <summary>
    /// The documented bias: near t = 1 the posterior is the prior, every point starts towards the largest cluster, and few escape it.
    /// </summary>
    [Fact]
    public void TopOneFavoursTheLargestCluster()
    {
        var counts = Count("top-1", 40);
        Assert.True(ChiSquare(counts, Shares) > 20 * ChiSquareLimit(2), $"top-1 gave {string.Join(", ", counts)}");
        Assert.InRange(counts[0] / (double)Points, Shares[0] + 0.05, 1);
    }

    private static long[] Count(string strategy, int steps)
    {
        using var scope = NewDisposeScope();
        var means = tensor(new double[,] { { 3, 0 }, { -2, 2.5 }, { -2, -3 } });
        var mixture = new GaussianMixture(3, tensor(Shares), means, 0.04 * eye(2, dtype: ScalarType.Float64).expand(3, 2, 2));
        var sampler = new Sampler(MarginalFlowTests.Exact(mixture, _ => true), [2]) { StateType = ScalarType.Float64, Clamp = false, MaxBatch = Points };

        using var result = sampler.Draw(new SampleRequest
        {
            Seeds = [.. Enumerable.Range(0, Points).Select(i => 1000L + i)],
            Steps = steps,
            Solver = Solver.Euler,
            Strategy = RoutingStrategy.Parse(strategy),
        });

        var nearest = cdist(result.Images, means).argmin(1);
        return [.. Enumerable.Range(0, 3).Select(k => nearest.eq(k).sum().item<long>())];
    }
}
