using CsCheck;
using Ddm.Runs;
using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

public class RoutingStrategyTests
{
    private static readonly string[] All =
        ["top-1", "top-2", "top-7", "full", "sample", "nucleus:0.9", "nucleus:0.5@2", "threshold:0.1", "threshold:0", "oracle", "ancestral", "full@0.5", "sample@3"];

    [Fact]
    public void EveryStrategyReadsItsOwnText()
        => Assert.All(All, text => Assert.Equal(text, RoutingStrategy.Parse(text).ToString()));

    [Theory]
    [InlineData("nucleus", "nucleus:0.9")]
    [InlineData("threshold", "threshold:0.1")]
    [InlineData("top-1@1", "top-1")]
    public void NumbersHaveDefaults(string text, string meaning) => Assert.Equal(RoutingStrategy.Parse(meaning), RoutingStrategy.Parse(text));

    [Theory]
    [InlineData("topp-1")]
    [InlineData("top-0")]
    [InlineData("top-")]
    [InlineData("full:3")]
    [InlineData("nucleus:1.5")]
    [InlineData("threshold:x")]
    [InlineData("sample@0")]
    [InlineData("")]
    public void AnUnknownStrategyIsRefusedWithTheValidOnes(string text)
    {
        var error = Assert.Throws<UserErrorException>(() => RoutingStrategy.Parse(text));
        Assert.Contains($"'{text}'", error.Message, StringComparison.Ordinal);
        Assert.All(new[] { "top-1", "full", "sample", "nucleus", "threshold", "oracle", "ancestral" }, name => Assert.Contains(name, error.Message, StringComparison.Ordinal));
    }

    /// <summary>Any probabilities (zeros and ties among them), any set of live experts, any uniform number and previous choice.</summary>
    [Fact]
    public void WeightsSumToOneAndNeverTouchAMissingExpert()
    {
        var row = Gen.Select(Gen.Int[1, 9].SelectMany(k => Gen.Select(Gen.OneOf(Gen.Double[0, 1], Gen.Const(0.0), Gen.Const(0.25), Gen.Const(1e-300)).Array[k], Gen.Bool.Array[k])), Gen.Double[1e-9, 1 - 1e-9], Gen.Int[0, 8], Gen.Bool);
        row.Sample((network, uniform, pick, first) =>
        {
            var (probabilities, available) = network;
            available[pick % available.Length] = true;
            foreach (var text in All)
            {
                using var scope = NewDisposeScope();
                var weights = RoutingStrategy.Parse(text).Weights(new RoutingContext
                {
                    Probabilities = tensor(probabilities, [1, probabilities.Length]),
                    Available = available,
                    Uniforms = [uniform],
                    Previous = first ? null : [(pick + 3) % available.Length],
                    Oracle = [pick % available.Length],
                }).data<double>().ToArray();
                Assert.True(Math.Abs(weights.Sum() - 1) < 1e-12, $"{text}: sum {weights.Sum():R}");
                Assert.True(weights.All(w => w >= 0), text);
                Assert.True(weights.Zip(available).All(p => p.Second || p.First == 0), $"{text}: weight on a missing expert");
            }
        }, iter: 2000, threads: 1);
    }

    [Fact]
    public void TopKeepsTheLikeliestAndBreaksTiesByTheLowestIndex()
    {
        Assert.Equal([0, 1, 0, 0], Weights("top-1", [0.1, 0.4, 0.4, 0.1]));
        Assert.Equal([0.5, 0.5, 0, 0], Weights("top-2", [0.25, 0.25, 0.25, 0.25]));
        Assert.Equal([0, 0.75, 0.25, 0], Weights("top-2", [0.1, 0.6, 0.2, 0.1]), Near);
    }

    [Fact]
    public void ThresholdKeepsWhatIsAboveAndElseTheLikeliest()
    {
        Assert.Equal([0.625, 0.375, 0], Weights("threshold:0.2", [0.5, 0.3, 0.2]), Near);
        Assert.Equal([0, 1, 0], Weights("threshold:0.9", [0.3, 0.4, 0.3]));
    }

    [Fact]
    public void NucleusDrawsAmongTheFewestThatHoldTheMass()
    {
        // 0.5 + 0.3 reach 0.7: of the drawn numbers, 0.5 / 0.8 go to the first of them
        Assert.Equal([0, 1, 0, 0], Weights("nucleus:0.7", [0.15, 0.5, 0.3, 0.05], uniform: 0.62));
        Assert.Equal([0, 0, 1, 0], Weights("nucleus:0.7", [0.15, 0.5, 0.3, 0.05], uniform: 0.63));
        Assert.Equal([0, 0, 1, 0], Weights("nucleus:0.7", [0.15, 0.5, 0.3, 0.05], uniform: 0.999));
    }

    [Fact]
    public void SampleFollowsTheCumulatedProbability()
    {
        Assert.Equal([1, 0, 0], Weights("sample", [0.2, 0.5, 0.3], uniform: 0.19));
        Assert.Equal([0, 1, 0], Weights("sample", [0.2, 0.5, 0.3], uniform: 0.69));
        Assert.Equal([0, 0, 1], Weights("sample", [0.2, 0.5, 0.3], uniform: 0.71));
    }

    [Fact]
    public void TemperatureSharpensAndFlattens()
    {
        Assert.Equal([0.9, 0.1], Weights("full@0.5", [0.75, 0.25]), Near);
        Assert.Equal([2 / 3.0, 1 / 3.0], Weights("full@2", [0.8, 0.2]), Near);
    }

    [Fact]
    public void AncestralKeepsItsChoiceWhileTheExpertLives()
    {
        Assert.Equal([0, 0, 1], Weights("ancestral", [0.9, 0.1, 0], previous: 2));
        Assert.Equal([1, 0, 0], Weights("ancestral", [0.9, 0.1, 0], previous: 2, missing: 2));
        Assert.Equal([0, 1, 0], Weights("ancestral", [0.9, 0.1, 0], uniform: 0.95));
    }

    [Fact]
    public void OracleNeedsLiveClusters()
    {
        var unlabelled = Assert.Throws<UserErrorException>(() => Weights("oracle", [0.5, 0.5]));
        Assert.Contains("cluster of every image", unlabelled.Message, StringComparison.Ordinal);
        var missing = Assert.Throws<UserErrorException>(() => Weights("oracle", [0.5, 0.5], oracle: 1, missing: 1));
        Assert.Contains("expert 1", missing.Message, StringComparison.Ordinal);
    }

    private static bool Near(double a, double b) => Math.Abs(a - b) < 1e-12;

    private static double[] Weights(string strategy, double[] probabilities, double uniform = 0.5, int? previous = null, int? oracle = null, int? missing = null)
    {
        using var scope = NewDisposeScope();
        return RoutingStrategy.Parse(strategy).Weights(new RoutingContext
        {
            Probabilities = tensor(probabilities, [1, probabilities.Length]),
            Available = [.. Enumerable.Range(0, probabilities.Length).Select(k => k != missing)],
            Uniforms = [uniform],
            Previous = previous is { } p ? [p] : null,
            Oracle = oracle is { } o ? [o] : null,
        }).data<double>().ToArray();
    }
}
