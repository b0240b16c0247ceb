using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

public class NearTieTests
{
    [Theory]
    [InlineData("top-1", 0.5, 0.4, 0.1, 0.5, 0.1)]
    [InlineData("top-2", 0.5, 0.4, 0.1, 0.5, 0.3)]
    [InlineData("top-3", 0.4, 0.4, 0.2, 0.5, double.PositiveInfinity)]
    [InlineData("full", 0.4, 0.4, 0.2, 0.5, double.PositiveInfinity)]
    [InlineData("oracle", 0.4, 0.4, 0.2, 0.5, double.PositiveInfinity)]
    [InlineData("sample", 0.5, 0.4, 0.1, 0.7, 0.2)]
    [InlineData("sample", 0.5, 0.4, 0.1, 0.45, 0.05)]
    [InlineData("ancestral", 0.5, 0.4, 0.1, 0.95, 0.05)]
    [InlineData("threshold:0.3", 0.5, 0.4, 0.1, 0.5, 0.1)]
    [InlineData("threshold:0.8", 0.5, 0.4, 0.1, 0.5, 0.1)]
    [InlineData("nucleus:0.85", 0.5, 0.4, 0.1, 0.2, 0.05)] // a little less, and the third belongs to it
    [InlineData("nucleus:0.55", 0.5, 0.4, 0.1, 0.2, 0.05)] // a little more, and the first is enough
    [InlineData("nucleus:0.7", 0.5, 0.4, 0.1, 0.5, 0.05)] // 0.5 of 0.9 is drawn beside the border at 0.5
    public void TheGapIsTheProbabilityThatWouldHaveToMove(string strategy, double p0, double p1, double p2, double uniform, double gap)
    {
        using var scope = NewDisposeScope();
        var choice = RoutingStrategy.Parse(strategy).Choose(new RoutingContext
        {
            Probabilities = tensor(new[,] { { p0, p1, p2 } }),
            Available = [true, true, true],
            Uniforms = [uniform],
            Oracle = [1],
        });
        Assert.Equal(gap, choice.Gaps[0], 1e-12);
    }

    [Fact]
    public void AMissingExpertTiesWithNobody()
    {
        using var scope = NewDisposeScope();
        var choice = RoutingStrategy.Parse("top-1").Choose(new RoutingContext
        {
            Probabilities = tensor(new[,] { { 0.4, 0.4, 0.2 } }),
            Available = [true, false, true],
            Uniforms = [0.5],
        });
        Assert.Equal(1 / 3.0, choice.Gaps[0], 1e-12);
    }

    /// <summary>Class 0 is tied to within 1e-5 at every step, class 1 is not.</summary>
    [Theory]
    [InlineData("top-1", 3)]
    [InlineData("threshold:0.99", 3)]
    [InlineData("full", 0)]
    [InlineData("oracle", 0)]
    public void NearTiedStepsAreCountedForEachPicture(string strategy, int nearTies)
    {
        using var scope = NewDisposeScope();
        var ensemble = new Ensemble([new Still(), new Still(), new Still()], new TiedForClassZero(), nullLabel: 2);
        using var result = new Sampler(ensemble, [1, 2, 2]).Draw(new SampleRequest
        {
            Seeds = [1, 2, 3],
            Labels = [1, 0, 1],
            Oracle = [0, 0, 0],
            Steps = 3,
            Strategy = RoutingStrategy.Parse(strategy),
        });
        Assert.Empty(result.NearTies(0));
        Assert.Equal(Enumerable.Range(0, nearTies), result.NearTies(1));
        Assert.Empty(result.NearTies(2));
    }

    /// <summary>A known prior is exact; the router's answer is not, and counts where it decides: once.</summary>
    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 1)]
    public void AncestralIsNearTiedAtItsDrawAlone(bool priorKnown, int nearTies)
    {
        using var scope = NewDisposeScope();
        var uniform = Philox.Create(9, 0, RandomStreams.Routing).Uniform(0, 0);
        var sampler = new Sampler(new Ensemble([new Still(), new Still()], new Fixed(uniform + 1e-5)), [1, 2, 2]) { Prior = priorKnown ? new[,] { { uniform, 1 - uniform } } : null };
        using var result = sampler.Draw(new SampleRequest { Seeds = [9], Steps = 3, Strategy = new AncestralRouting() });
        Assert.Equal(nearTies, result.NearTies(0).Count);
    }

    private sealed class Still : IVelocityModel
    {
        public Tensor Velocity(Tensor x, Tensor t, Tensor? labels) => zeros_like(x);
    }

    private sealed class TiedForClassZero : IRouterModel
    {
        public Tensor Logits(Tensor x, Tensor t, Tensor? labels)
        {
            using var scope = NewDisposeScope();
            return stack([zeros([x.size(0)]), labels!.to(ScalarType.Float32) + 1e-5f, full([x.size(0)], -5f)], dim: 1).MoveToOuterDisposeScope();
        }
    }

    private sealed class Fixed(double first) : IRouterModel
    {
        public Tensor Logits(Tensor x, Tensor t, Tensor? labels)
            => tensor(Enumerable.Range(0, (int)x.size(0)).SelectMany(_ => new[] { Math.Log(first), Math.Log(1 - first) }).ToArray(), [x.size(0), 2]);
    }
}
