using Ddm.Runs;

namespace Ddm.Diffusion.Tests;

public class TimeDensityTests
{
    [Fact]
    public void EachSliceOfTheUniformDensityGivesOneTime()
    {
        var times = TimeDensity.Draw(new TimeDensitySpec(), Uniforms(64));
        Assert.Equal(Enumerable.Range(0, 64), times.Select(t => (int)(t * 64)));
    }

    [Fact]
    public void LogitNormalTimesHaveTheirMedianAndTheUniformTenth()
    {
        var spec = new TimeDensitySpec { Density = TimeDensityKind.LogitNormal, Mean = 1, Std = 0.5 };
        var times = TimeDensity.Draw(spec, Uniforms(10_000)).Order().ToArray();
        // P(t < sigmoid(1)) = 0.9 / 2 + 0.1 sigmoid(1)
        var median = 1 / (1 + Math.Exp(-1));
        Assert.Equal(0.45 + (0.1 * median), times.Count(t => t < median) / 1e4, 0.002);
        // the logit-normal part has 1e-9 below 0.1: what lies there is the uniform tenth's
        Assert.Equal(0.01, times.Count(t => t < 0.1) / 1e4, 0.001);
    }

    [Theory]
    [InlineData(0.5, 0)]
    [InlineData(0.975, 1.959963984540054)]
    [InlineData(0.001, -3.090232306167813)]
    [InlineData(1e-10, -6.361340902404056)]
    [InlineData(1e-300, -37.0471)]
    public void NormalQuantilesAreTheTabulatedOnes(double p, double z) => Assert.Equal(z, NormalQuantile.At(p), p < 1e-100 ? 1e-3 : 1e-13);

    [Fact]
    public void TimesStayInsideTheOpenInterval()
    {
        double[] edges = [.. Enumerable.Repeat(1e-17, 4), .. Enumerable.Repeat(1 - 1e-16, 4)];
        foreach (var kind in Enum.GetValues<TimeDensityKind>())
        {
            Assert.All(TimeDensity.Draw(new TimeDensitySpec { Density = kind, Std = 20 }, edges), t => Assert.True(t is > 0 and < 1));
        }
    }

    [Fact]
    public void ASliceWhoseMiddleIsWhereTheUniformPartEndsHasATime()
    {
        // (16 + 0.5) / 165 is 0.1 exactly, as it happens to 165 held-out rows
        var times = TimeDensity.Draw(new TimeDensitySpec { Density = TimeDensityKind.LogitNormal }, [.. Enumerable.Repeat(0.5, 165)]);
        Assert.All(times, t => Assert.True(t is > 0 and < 1));
        Assert.True(times[16] < times[17]);
    }

    private static double[] Uniforms(int count) => [.. Enumerable.Range(0, count).Select(i => ((i * 0.61803398875) + 0.3) % 1)];
}
