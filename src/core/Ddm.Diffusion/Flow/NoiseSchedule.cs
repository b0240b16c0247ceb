namespace Ddm.Diffusion;

/// <summary>
/// A variance-preserving noise schedule of 1,000 steps, x = sqrt(abar_n) x_0 + sqrt(1 - abar_n) eps, laid over the straight path x_t = (1 - t) x_0 + t eps. Divided by its length
/// c = sqrt((1 - t)² + t²), x_t is a point of the schedule: the one whose signal sqrt(abar_n) is (1 - t) / c.
/// </summary>
public sealed class NoiseSchedule
{
    /// <summary>Steps of every schedule.</summary>
    public const int Steps = 1000;

    // Below this signal an error of the network, divided by the signal, is no velocity any more. The linear schedule stays above it; the cosine's last steps fall to 5e-5.
    private const double LeastSignal = 0.005;

    private static readonly NoiseSchedule Linear = new(n => 1e-4 + ((0.02 - 1e-4) * n / (Steps - 1)));
    private static readonly NoiseSchedule Cosine = new(n => Math.Min(0.999, 1 - (CosineSquare(n + 1) / CosineSquare(n))));

    private readonly double[] signals = new double[Steps]; // falling

    private NoiseSchedule(Func<int, double> beta)
    {
        var left = 1.0;
        for (var n = 0; n < Steps; n++)
        {
            left *= 1 - beta(n);
            signals[n] = Math.Sqrt(left);
        }

        LastStep = Array.FindLastIndex(signals, signal => signal >= LeastSignal);
    }

    /// <summary>The noisiest step that is asked for.</summary>
    public int LastStep { get; }

    /// <summary>The largest t that has a step of its own: <see cref="LastStep"/>'s. 0.9937 of the linear schedule.</summary>
    public double LastTime => Time(LastStep);

    /// <summary>The schedule of a kind.</summary>
    public static NoiseSchedule Of(ScheduleKind kind) => kind == ScheduleKind.Cosine ? Cosine : Linear;

    /// <summary>sqrt(abar_n).</summary>
    public double Signal(int step) => signals[step];

    /// <summary>The t at which the straight path has the signal-to-noise ratio of a step: (1 - t) / t = sqrt(abar_n / (1 - abar_n)).</summary>
    public double Time(int step)
    {
        var noise = Math.Sqrt(1 - (signals[step] * signals[step]));
        return noise / (signals[step] + noise);
    }

    /// <summary>
    /// The step of a time: argmin over n of |sqrt(abar_n) - (1 - t) / c|. Times above <see cref="LastTime"/> are taken for it, those below the first step's have the first step.
    /// </summary>
    /// <param name="t">In [0, 1].</param>
    public ScheduleMatch Match(double t)
    {
        var time = Math.Min(t, LastTime);
        var length = Math.Sqrt(((1 - time) * (1 - time)) + (time * time));
        return new ScheduleMatch(Nearest((1 - time) / length), length, 1 - time);
    }

    private int Nearest(double signal)
    {
        var (above, below) = (0, LastStep); // signals[above] >= signal >= signals[below], but for ends of the schedule
        while (below - above > 1)
        {
            var middle = (above + below) / 2;
            (above, below) = signals[middle] >= signal ? (middle, below) : (above, middle);
        }

        return Math.Abs(signals[above] - signal) <= Math.Abs(signals[below] - signal) ? above : below;
    }

    private static double CosineSquare(int n) => Math.Pow(Math.Cos(((n / (double)Steps) + 0.008) / 1.008 * Math.PI / 2), 2);
}
