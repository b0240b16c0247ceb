using System.Globalization;
using Ddm.Runs;

namespace Ddm.Diffusion;

/// <summary>What the output of a network means, and what time it is fed.</summary>
/// <param name="Prediction">Velocity, or noise.</param>
/// <param name="Direction">Which end of its time is data; of a network of noise: always <see cref="TimeDirection.DataToNoise"/>.</param>
/// <param name="TimeScale">What time in [0, 1] is multiplied by before it is embedded; of a network of noise, which is fed its step 0 to 999 as it is: 1.</param>
/// <param name="Schedule">Of a network of noise; null for a velocity.</param>
public sealed record Parametrization(Prediction Prediction, TimeDirection Direction, double TimeScale, ScheduleKind? Schedule = null)
{
    /// <summary>Our own networks', and Paris'.</summary>
    public static Parametrization Own { get; } = new(Prediction.Velocity, TimeDirection.DataToNoise, 1000);

    /// <summary>The published SiT weights'.</summary>
    public static Parametrization SiT { get; } = new(Prediction.Velocity, TimeDirection.NoiseToData, 1);

    /// <summary>The published DiT weights', and of every network of noise with this schedule.</summary>
    public static Parametrization Noise(ScheduleKind schedule) => new(Prediction.Epsilon, TimeDirection.DataToNoise, 1, schedule);

    /// <summary>The shape of a network that is fed time as these words say.</summary>
    public DiTConfig Apply(DiTConfig shape) => shape with { TimeScale = TimeScale };

    /// <summary>A network as an expert.</summary>
    /// <param name="network">Of a shape that <see cref="Apply"/> gave.</param>
    /// <param name="type">Type of its heavy arithmetic.</param>
    /// <exception cref="UserErrorException">These words contradict each other.</exception>
    public IVelocityModel Expert(DiT network, ComputeType type = ComputeType.Float32)
        => Validated() switch
        {
            { Schedule: { } schedule } => new EpsilonExpert(network, NoiseSchedule.Of(schedule), type),
            { Direction: TimeDirection.NoiseToData } => new SiTExpert(network, type),
            _ => new DiTExpert(network, type),
        };

    /// <summary>These words, after they were checked against each other.</summary>
    /// <exception cref="UserErrorException">They contradict each other.</exception>
    public Parametrization Validated()
    {
        if (!(TimeScale > 0) || !double.IsFinite(TimeScale))
        {
            throw new UserErrorException(string.Create(CultureInfo.InvariantCulture, $"a time scale of {TimeScale:R}: give a number above 0, 1000 for our networks and Paris', 1 for SiT's."));
        }

        return (Prediction, Schedule) switch
        {
            (Prediction.Velocity, not null) => throw new UserErrorException("a network of velocity has no noise schedule: leave the schedule out, or say that it predicts epsilon."),
            (Prediction.Epsilon, null) => throw new UserErrorException("a network of noise needs its schedule: linear (DDPM's and DiT's) or cosine."),
            (Prediction.Epsilon, _) when Direction != TimeDirection.DataToNoise || TimeScale != 1
                => throw new UserErrorException("a network of noise is fed its step, 0 of data to 999 of noise, as it is: leave time's direction and scale out."),
            _ => this,
        };
    }
}
