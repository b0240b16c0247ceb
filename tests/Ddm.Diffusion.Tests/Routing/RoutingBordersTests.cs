using Ddm.Runs;
using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

/// <summary>Where one choice ends and the next begins. All numbers are exact in binary, so that a border is hit and not missed by rounding.</summary>
public class RoutingBordersTests
{
    [Theory]
    [InlineData("nucleus:1")]
    [InlineData("threshold:0")]
    [InlineData("top-1@1E+300")]
    public void TheEndsOfARangeThatBelongToItAreRead(string text) => Assert.Equal(text, RoutingStrategy.Parse(text).ToString());

    [Theory]
    [InlineData("nucleus:0", "'0' in routing strategy 'nucleus:0' is not a probability in (0, 1]")]
    [InlineData("nucleus:-0.1", "'-0.1' in routing strategy 'nucleus:-0.1' is not a probability in (0, 1]")]
    [InlineData("threshold:1", "'1' in routing strategy 'threshold:1' is not a probability in [0, 1)")]
    [InlineData("threshold:-0.1", "'-0.1' in routing strategy 'threshold:-0.1' is not a probability in [0, 1)")]
    [InlineData("full@0", "'0' in routing strategy 'full@0' is not a temperature above 0")]
    [InlineData("full@-1", "'-1' in routing strategy 'full@-1' is not a temperature above 0")]
    [InlineData("full@Infinity", "'Infinity' in routing strategy 'full@Infinity' is not a temperature above 0")]
    [InlineData("full@NaN", "'NaN' in routing strategy 'full@NaN' is not a temperature above 0")]
    [InlineData("full@", "'' in routing strategy 'full@' is not a temperature above 0")]
    [InlineData("sample:1", "'sample:1' is no routing strategy. Valid are: top-1")]
    [InlineData("oracle:1", "'oracle:1' is no routing strategy. Valid are: top-1")]
    [InlineData("ancestral:1", "'ancestral:1' is no routing strategy. Valid are: top-1")]
    [InlineData("top-1:1", "'top-1:1' is no routing strategy. Valid are: top-1")]
    [InlineData("top+1", "'top+1' is no routing strategy. Valid are: top-1")]
    [InlineData("best1", "'best1' is no routing strategy. Valid are: top-1")]
    public void TheEndsThatDoNotAreRefused(string text, string expected) =>
        Assert.StartsWith(expected, Assert.Throws<UserErrorException>(() => RoutingStrategy.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void AModelIsPublishedWithAncestralRouting() => Assert.Equal("ancestral", RoutingStrategy.Default.ToString());

    /// <summary>A drawn number at the border belongs to the expert above it, as x in [0, 1) does.</summary>
    [Fact]
    public void ADrawAtTheBorderTakesTheNextExpert()
    {
        Assert.Equal([1, 0, 0, 0], Weights("sample", [0.25, 0.25, 0, 0.5], uniform: 0.25 - 1e-9));
        Assert.Equal([0, 1, 0, 0], Weights("sample", [0.25, 0.25, 0, 0.5], uniform: 0.25));
        Assert.Equal([0, 0, 0, 1], Weights("sample", [0.25, 0.25, 0, 0.5], uniform: 0.5));
    }

    [Fact]
    public void ANucleusThatHoldsExactlyTheMassTakesNoOneElse() => Assert.Equal([0, 1, 0], Weights("nucleus:0.75", [0.5, 0.25, 0.25], uniform: 0.999));

    [Fact]
    public void AnExpertAtTheThresholdIsNotAboveIt() => Assert.Equal([1, 0], Weights("threshold:0.25", [0.75, 0.25]));

    [Theory]
    [InlineData(0, new double[] { 1, 0, 0 })]
    [InlineData(2, new double[] { 0, 0, 1 })]
    public void OracleReachesTheFirstAndTheLastExpert(int oracle, double[] expected) => Assert.Equal(expected, Weights("oracle", [0.2, 0.5, 0.3], oracle: oracle));

    [Theory]
    [InlineData(-1)]
    [InlineData(3)]
    public void OracleBeyondTheExpertsIsRefusedWithThoseThatAreThere(int oracle)
    {
        var error = Assert.Throws<UserErrorException>(() => Weights("oracle", [0.2, 0.5, 0.3], oracle: oracle, missing: [1]));
        Assert.Equal($"Routing strategy 'oracle' asks for expert {oracle}, which is not there: available are 0, 2.", error.Message);
    }

    /// <summary>The router may give the live experts nothing: then none is preferred, whatever the temperature.</summary>
    [Theory]
    [InlineData("full")]
    [InlineData("full@2")]
    public void LiveExpertsThatTheRouterGivesNothingShareAlike(string strategy) =>
        Assert.Equal([0.5, 0, 0.5], Weights(strategy, [0, 1, 0], missing: [1]));

    /// <summary>Mass and level are those of the live experts, among whom probabilities sum to one.</summary>
    [Fact]
    public void ALevelIsComparedWithRenormalisedProbabilities() => Assert.Equal([0.6, 0.4, 0], Weights("threshold:0.35", [0.3, 0.2, 0.5], missing: [2]), Near);

    [Fact]
    public void TemperatureHoldsWhereLiveExpertsHaveNextToNothing() => Assert.Equal([0.9, 0.1, 0], Weights("full@0.5", [3e-200, 1e-200, 1], missing: [2]), Near);

    [Fact]
    public void EveryRowHasItsOwnWeights()
    {
        using var scope = NewDisposeScope();
        var weights = new AncestralRouting().Weights(new RoutingContext
        {
            Probabilities = tensor(new[] { 0.25, 0.75, 0.5, 0.5, 0.75, 0.25 }, [3, 2]),
            Available = [true, true],
            Uniforms = [0.5, 0.75, 0.5],
            Previous = [0, 1, 1],
        });
        Assert.Equal([3, 2], weights.shape);
        Assert.Equal([1, 0, 0, 1, 0, 1], weights.data<double>().ToArray());
    }

    [Fact]
    public void WithoutAnExpertThereIsNothingToDrawWith()
    {
        var none = Assert.Throws<UserErrorException>(() => Weights("full", [0.5, 0.5], missing: [0, 1]));
        Assert.Equal("0 of 2 experts are available: at least one is needed to draw a picture.", none.Message);

        using var scope = NewDisposeScope();
        var context = new RoutingContext { Probabilities = tensor(new[] { 0.5, 0.5 }, [1, 2]), Available = [true], Uniforms = [0.5] };
        Assert.Throws<UserErrorException>(() => new FullRouting().Weights(context));
    }

    private static bool Near(double a, double b) => Math.Abs(a - b) < 1e-12;

    private static double[] Weights(string strategy, double[] probabilities, double uniform = 0.5, int? oracle = null, int[]? missing = null)
    {
        using var scope = NewDisposeScope();
        return RoutingStrategy.Parse(strategy).Weights(new RoutingContext
        {
            Probabilities = tensor(probabilities, [1, probabilities.Length]),
            Available = [.. Enumerable.Range(0, probabilities.Length).Select(k => missing?.Contains(k) != true)],
            Uniforms = [uniform],
            Oracle = oracle is { } o ? [o] : null,
        }).data<double>().ToArray();
    }
}
