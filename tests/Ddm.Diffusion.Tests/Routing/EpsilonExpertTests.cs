using Ddm.Runs;
using static Ddm.Diffusion.Tests.Closeness;
using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

/// <summary>Networks of noise as experts, in closed form: of Gaussian data the best network of noise is known, and so is the velocity field.</summary>
public class EpsilonExpertTests
{
    private const int Dimensions = 4;

    public static TheoryData<ScheduleKind> Kinds => [ScheduleKind.Linear, ScheduleKind.Cosine];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void AtTheTimesOfStepsItIsTheVelocityField(ScheduleKind kind)
    {
        using var scope = NewDisposeScope();
        var (data, schedule) = (new GaussianData(3), NoiseSchedule.Of(kind));
        foreach (var step in new[] { 0, 1, 7, 100, 333, 500, 800, 950, schedule.LastStep })
        {
            var (x, t) = data.Points(schedule.Time(step));
            Assert.InRange(Distance(data.Expert(schedule).Velocity(x, t, null), data.Mixture.Velocity(x, t)), 0, 1e-9);
        }
    }

    /// <summary>Between two steps the network is asked about a little more or less noise than there is: half a step's, and so the velocity is off by half of what it changes by in a step.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void BetweenTwoStepsItIsOffByHalfAStepsDifference(ScheduleKind kind)
    {
        using var scope = NewDisposeScope();
        var (data, schedule) = (new GaussianData(4), NoiseSchedule.Of(kind));
        for (var step = 0; step < schedule.LastStep; step += 45)
        {
            var (x, t) = data.Points((schedule.Time(step) + schedule.Time(step + 1)) / 2);
            var error = Distance(data.Expert(schedule).Velocity(x, t, null), data.Mixture.Velocity(x, t));
            var (lower, upper) = (data.Noise(schedule, x / Length(t), step), data.Noise(schedule, x / Length(t), step + 1));
            Assert.InRange(error, 1e-12, 0.75 * Distance(lower, upper) / t[0].neg().add(1).item<double>());
        }
    }

    /// <summary>Nearer to data than the first step, and nearer to noise than the last, where 1 - t would be divided by.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void BeyondTheScheduleItStaysFiniteAndNear(ScheduleKind kind)
    {
        using var scope = NewDisposeScope();
        var (data, schedule) = (new GaussianData(5), NoiseSchedule.Of(kind));
        foreach (var time in new[] { 0, 1e-6, 1e-3, 0.994, 0.999, 1 - 1e-9, 1 })
        {
            var (x, t) = data.Points(time);
            Assert.InRange(Distance(data.Expert(schedule).Velocity(x, t, null), data.Mixture.Velocity(x, t)), 0, 0.15);
        }

        var (noise, last) = data.Points(schedule.LastTime);
        var expert = data.Expert(schedule);
        Assert.Equal(0, Distance(expert.Velocity(noise, last, null), expert.Velocity(noise, ones_like(last), null)));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void AnErrorOfTheNetworkIsNeverMultipliedByMoreThanTwoHundred(ScheduleKind kind)
    {
        using var scope = NewDisposeScope();
        var (data, schedule) = (new GaussianData(6), NoiseSchedule.Of(kind));
        var wrong = new EpsilonExpert((x, n, _) => data.Noise(schedule, x, n) + 1e-3, schedule);
        foreach (var time in new[] { 0.01, 0.5, 0.99, 1 })
        {
            var (x, t) = data.Points(time);
            Assert.InRange(Distance(wrong.Velocity(x, t, null), data.Expert(schedule).Velocity(x, t, null)), 0, 0.2);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void DrawingWithItGivesTheDatasMeanAndCovariance(ScheduleKind kind)
    {
        const int Points = 8000;
        using var scope = NewDisposeScope();
        var (data, schedule) = (new GaussianData(7), NoiseSchedule.Of(kind));
        var sampler = new Sampler(new Ensemble([data.Expert(schedule)], new UniformRouter(1)), [Dimensions]) { StateType = ScalarType.Float64, Clamp = false, MaxBatch = Points };

        using var drawn = sampler.Draw(new SampleRequest { Seeds = [.. Enumerable.Range(0, Points).Select(i => (long)i)], Steps = 100, Solver = Solver.Heun, Strategy = new FullRouting() });

        var centred = drawn.Images - drawn.Images.mean([0]);
        Assert.InRange(Distance(drawn.Images.mean([0]), data.Mean), 0, 0.06); // five deviations of a mean of so many points
        Assert.InRange(Distance(centred.mT.matmul(centred) / Points, data.Covariance), 0, 0.12);
    }

    /// <summary>Two experts of one cluster each, one of velocity and one of noise, are the mixture's flow as two of velocity are.</summary>
    [Fact]
    public void ExpertsOfNoiseAndOfVelocityMix()
    {
        using var scope = NewDisposeScope();
        var (schedule, data) = (NoiseSchedule.Of(ScheduleKind.Cosine), new GaussianData(8));
        var other = new GaussianData(9);
        var mixture = new GaussianMixture(2, tensor(new[] { 0.3, 0.7 }), stack([data.Mean, other.Mean], 0), stack([data.Covariance, other.Covariance], 0));
        var ensemble = new Ensemble([data.Expert(schedule), new ExactExpert(other.Mixture)], new ExactRouter(mixture));
        var (x, t) = data.Points(schedule.Time(600));

        var velocity = ensemble.Velocity(x, t, null, ensemble.Probabilities(x, t, null));

        Assert.InRange(Distance(velocity, mixture.MarginalFlow(x, t)), 0, 1e-9);
    }

    [Fact]
    public void ANetworksAnswerForARowDoesNotDependOnTheOthers()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var config = new DiTConfig(21, 3, 3, 36, 1, 3, 2, 3, 0.1); // 1,323 numbers a row: elementwise operations end in the middle of a vector
        using var network = Shaken.Fill(new DiT(Parametrization.Noise(ScheduleKind.Linear).Apply(config)), 3);
        var expert = Parametrization.Noise(ScheduleKind.Linear).Expert(network);
        using var generator = new Generator(1, CPU);
        var (x, t) = (randn([40, 3, 21, 21], generator: generator), rand([40], generator: generator));
        var labels = arange(40, ScalarType.Int64) % 4;
        var alone = cat([.. Enumerable.Range(0, 40).Select(i => expert.Velocity(x.narrow(0, i, 1), t.narrow(0, i, 1), labels.narrow(0, i, 1)))], dim: 0);
        for (var rows = 2; rows <= 40; rows += 3)
        {
            var first = 40 - rows;
            Assert.True(expert.Velocity(x.narrow(0, first, rows), t.narrow(0, first, rows), labels.narrow(0, first, rows)).Equals(alone.narrow(0, first, rows)), $"{rows} rows");
        }
    }

    [Fact]
    public void ANetworkIsFedItsStepsAsTheyAre()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var words = Parametrization.Noise(ScheduleKind.Linear);
        var config = words.Apply(new DiTConfig(8, 1, 4, 32, 1, 2, 4, 0, 0));
        Assert.Equal(1, config.TimeScale);
        using var network = Shaken.Fill(new DiT(config), 5);
        var schedule = NoiseSchedule.Of(ScheduleKind.Linear);
        var x = randn([1, 1, 8, 8]);
        var t = tensor(new[] { (float)schedule.Time(321) });

        var eps = network.Forward(x / Length(t.to(ScalarType.Float64)).to(ScalarType.Float32), tensor(new[] { 321f }), null);

        Assert.InRange(Distance(words.Expert(network).Velocity(x, t, null), (eps - x) / (1 - t)), 0, 1e-5);
    }

    [Theory]
    [InlineData(Prediction.Velocity, TimeDirection.DataToNoise, 0, null, "a time scale of 0: give a number above 0, 1000 for our networks and Paris', 1 for SiT's.")]
    [InlineData(Prediction.Velocity, TimeDirection.DataToNoise, 1, ScheduleKind.Linear, "a network of velocity has no noise schedule: leave the schedule out, or say that it predicts epsilon.")]
    [InlineData(Prediction.Epsilon, TimeDirection.DataToNoise, 1, null, "a network of noise needs its schedule: linear (DDPM's and DiT's) or cosine.")]
    [InlineData(Prediction.Epsilon, TimeDirection.NoiseToData, 1, ScheduleKind.Linear, "a network of noise is fed its step, 0 of data to 999 of noise, as it is: leave time's direction and scale out.")]
    [InlineData(Prediction.Epsilon, TimeDirection.DataToNoise, 1000, ScheduleKind.Linear, "a network of noise is fed its step, 0 of data to 999 of noise, as it is: leave time's direction and scale out.")]
    public void WordsThatContradictEachOtherAreRefused(Prediction prediction, TimeDirection direction, double scale, ScheduleKind? schedule, string message)
        => Assert.Equal(message, Assert.Throws<UserErrorException>(() => new Parametrization(prediction, direction, scale, schedule).Validated()).Message);

    // c of [N], one dimension for rows of any shape of one row, or of vectors.
    private static Tensor Length(Tensor t) => (((1 - t) * (1 - t)) + (t * t)).sqrt().unsqueeze(1);

    /// <summary>N(m, C): of x = a x_0 + b eps the expected eps is b (a² C + b²)⁻¹ (x - a m).</summary>
    private sealed class GaussianData
    {
        private readonly long seed;

        public GaussianData(long seed)
        {
            this.seed = seed;
            using var generator = new Generator((ulong)seed, CPU);
            var root = randn([Dimensions, Dimensions], ScalarType.Float64, generator: generator) / 2;
            (Mean, Covariance) = (randn([Dimensions], ScalarType.Float64, generator: generator), root.matmul(root.mT) + (0.1 * eye(Dimensions, dtype: ScalarType.Float64)));
            Mixture = new GaussianMixture(1, ones(1, ScalarType.Float64), Mean.unsqueeze(0), Covariance.unsqueeze(0));
        }

        public Tensor Mean { get; }

        public Tensor Covariance { get; }

        public GaussianMixture Mixture { get; }

        public EpsilonExpert Expert(NoiseSchedule schedule) => new((x, n, _) => Noise(schedule, x, n), schedule);

        /// <summary>x_t of many points at one time.</summary>
        public (Tensor X, Tensor T) Points(double time)
        {
            using var generator = new Generator((ulong)seed + 100, CPU);
            var t = full([50], time, ScalarType.Float64);
            return (Mixture.Draw(t, generator), t);
        }

        public Tensor Noise(NoiseSchedule schedule, Tensor x, int step) => Noise(schedule, x, full([x.size(0)], step, ScalarType.Float64));

        public Tensor Noise(NoiseSchedule schedule, Tensor x, Tensor steps)
        {
            var a = tensor(steps.data<double>().ToArray().Select(n => schedule.Signal((int)n)).ToArray()).view(-1, 1, 1);
            var spread = (a * a * Covariance) + ((1 - (a * a)) * eye(Dimensions, dtype: ScalarType.Float64));
            return ((1 - (a * a)).sqrt() * linalg.solve(spread, x.unsqueeze(-1) - (a * Mean.unsqueeze(-1)))).squeeze(-1);
        }
    }
}
