using Ddm.Runs;

namespace Ddm.Training.Tests;

public class ScheduleTests
{
    private static readonly TrainingSpec Spec = new() { Steps = 110, Batch = 1, LearningRate = 0.8, Warmup = 10, FinalLearningRate = 0.2 };

    [Fact]
    public void WarmUpEndsAtThePeak()
        => Assert.Equal([0.08, 0.16, 0.8, 0.8], new[] { 0L, 1, 9, 10 }.Select(step => LearningRate.At(Spec, step)), new Close(1e-12));

    [Theory]
    [InlineData(LearningRateDecay.Constant, 0.8, 0.8, 0.8)]
    [InlineData(LearningRateDecay.Linear, 0.8 - (0.6 * 33 / 99), 0.2, 0.2)]
    [InlineData(LearningRateDecay.Cosine, 0.2 + (0.6 * 0.75), 0.2, 0.2)] // cos(pi / 3) = 1/2
    public void TheDecayReachesItsEndAtTheLastStepAndStays(LearningRateDecay decay, double third, double last, double beyond)
    {
        var spec = Spec with { Decay = decay };
        Assert.Equal([third, last, beyond], new[] { 43L, 109, 5000 }.Select(step => LearningRate.At(spec, step)), new Close(1e-9));
    }

    [Fact]
    public void OneStepAndNoWarmUpAreFine() => Assert.Equal(0.8, LearningRate.At(new TrainingSpec { Steps = 1, Batch = 1, LearningRate = 0.8, Decay = LearningRateDecay.Cosine }, 0));

    // Karras et al. 2024, section 3.1: 0.05 and 0.10 are gamma 16.97 and 6.94
    [Theory]
    [InlineData(0.05, 16.97)]
    [InlineData(0.10, 6.94)]
    public void GammaIsThePapers(double std, double gamma) => Assert.Equal(gamma, PowerEma.Gamma(std), 0.005);

    // The weight that update i has in the average after n, written out by hand from the lerp weights, has the asked relative width.
    [Theory]
    [InlineData(0.05)]
    [InlineData(0.10)]
    [InlineData(0.20)]
    public void TheProfileHasTheAskedWidth(double std)
    {
        const int Steps = 20_000;
        var (share, mean, square, left) = (0.0, 0.0, 0.0, 1.0);
        for (long step = Steps - 1; step >= 0; step--)
        {
            var weight = PowerEma.LerpWeight(std, step) * left;
            left *= 1 - PowerEma.LerpWeight(std, step);
            var time = (step + 1.0) / Steps;
            (share, mean, square) = (share + weight, mean + (weight * time), square + (weight * time * time));
        }

        Assert.Equal(1, share, 1e-9);
        Assert.Equal(std, Math.Sqrt(square - (mean * mean)), 1e-4);
    }

    [Fact]
    public void TheFirstUpdateReplacesTheAverage() => Assert.Equal(1, PowerEma.LerpWeight(0.1, 0));

    [Theory]
    [InlineData(0)]
    [InlineData(0.29)]
    [InlineData(double.NaN)]
    public void WidthsWithoutAProfileAreRefused(double std) => Assert.Throws<ArgumentOutOfRangeException>(() => PowerEma.LerpWeight(std, 5));

    private sealed class Close(double tolerance) : IEqualityComparer<double>
    {
        public bool Equals(double x, double y) => Math.Abs(x - y) <= tolerance;

        public int GetHashCode(double value) => 0;
    }
}
