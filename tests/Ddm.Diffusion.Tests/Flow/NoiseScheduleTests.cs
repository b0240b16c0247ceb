namespace Ddm.Diffusion.Tests;

public class NoiseScheduleTests
{
    /// <summary>Values of the formulas computed with NumPy.</summary>
    [Theory]
    [InlineData(ScheduleKind.Linear, 0, 0.9999499987499375)]
    [InlineData(ScheduleKind.Linear, 100, 0.9461192265764059)]
    [InlineData(ScheduleKind.Linear, 500, 0.2789205233843933)]
    [InlineData(ScheduleKind.Linear, 999, 0.006352818087570016)]
    [InlineData(ScheduleKind.Cosine, 0, 0.9999793576745362)]
    [InlineData(ScheduleKind.Cosine, 100, 0.9856853868287987)]
    [InlineData(ScheduleKind.Cosine, 500, 0.7016303673935465)]
    [InlineData(ScheduleKind.Cosine, 999, 4.9282521313695554e-05)]
    public void TheSignalIsThatOfTheFormula(ScheduleKind kind, int step, double signal)
        => Assert.Equal(signal, NoiseSchedule.Of(kind).Signal(step), 1e-13);

    [Theory]
    [InlineData(ScheduleKind.Linear, 999, 0.99369)]
    [InlineData(ScheduleKind.Cosine, 995, 0.99380)]
    public void TheLastStepIsTheNoisiestThatAnAnswerOfCanBeDividedBy(ScheduleKind kind, int step, double time)
    {
        var schedule = NoiseSchedule.Of(kind);
        Assert.Equal(step, schedule.LastStep);
        Assert.Equal(time, schedule.LastTime, 1e-5);
    }

    [Theory]
    [InlineData(ScheduleKind.Linear)]
    [InlineData(ScheduleKind.Cosine)]
    public void EveryTimeHasTheStepOfTheNearestSignal(ScheduleKind kind)
    {
        var schedule = NoiseSchedule.Of(kind);
        for (var n = 0; n <= schedule.LastStep; n++)
        {
            Assert.Equal(n, schedule.Match(schedule.Time(n)).Step);
        }

        for (var i = 0; i <= 5000; i++)
        {
            var t = i / 5000.0;
            var (step, length, data) = schedule.Match(t);
            var taken = Math.Min(t, schedule.LastTime);
            Assert.Equal(1 - taken, data);
            Assert.Equal(Math.Sqrt((data * data) + (taken * taken)), length, 1e-15);
            var nearest = Enumerable.Range(0, schedule.LastStep + 1).Min(n => Math.Abs(schedule.Signal(n) - (data / length)));
            Assert.Equal(nearest, Math.Abs(schedule.Signal(step) - (data / length)));
        }
    }
}
