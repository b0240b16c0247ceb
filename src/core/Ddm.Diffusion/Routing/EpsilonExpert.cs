using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>
/// A network of noise, trained with a variance-preserving schedule, as an expert of the straight path. It is asked at the step of the same signal-to-noise ratio,
/// eps = f(x_t / c, n), and x_0 = (x_t - t eps) / (1 - t) gives v = eps - x_0 = (eps - x_t) / (1 - t): the velocity field itself wherever t is a step's own time, and between two steps as
/// near as they lie. Above <see cref="NoiseSchedule.LastTime"/> nothing was ever trained and 1 - t goes to 0: there x_t is taken as if it were at that time, which keeps the
/// velocity finite and continuous, and is off by about (1 - t) of x_t on the last half or whole percent of the path.
/// </summary>
public sealed class EpsilonExpert : IVelocityModel
{
    private readonly Func<Tensor, Tensor, Tensor?, Tensor> noise;
    private readonly NoiseSchedule schedule;

    /// <summary>A network as an expert.</summary>
    /// <param name="network">Built with <c>TimeScale = 1</c>: it is fed steps.</param>
    /// <param name="schedule">What it was trained with.</param>
    /// <param name="type">Type of its heavy arithmetic.</param>
    /// <param name="invariant">True: a row's velocity has the same bits whatever rows are beside it (CPU). False: all rows at once.</param>
    public EpsilonExpert(DiT network, NoiseSchedule schedule, ComputeType type = ComputeType.Float32, bool invariant = true)
        : this(RowBlocks.Of(network, type, invariant).Run, schedule)
    {
    }

    /// <summary>Any function of noise: (x [N, ...], steps [N] of x's type, condition) -> eps [N, ...].</summary>
    internal EpsilonExpert(Func<Tensor, Tensor, Tensor?, Tensor> noise, NoiseSchedule schedule) => (this.noise, this.schedule) = (noise, schedule);

    /// <inheritdoc/>
    public Tensor Velocity(Tensor x, Tensor t, Tensor? condition)
    {
        using var scope = NewDisposeScope();
        ScheduleMatch[] rows = [.. t.to(ScalarType.Float64, CPU).contiguous().data<double>().ToArray().Select(schedule.Match)];
        var eps = noise(x / Spread(match => match.Length), Column(match => match.Step), condition).to(x.dtype);
        return (eps.Minus(x) / Spread(match => match.Data)).MoveToOuterDisposeScope(); // nothing but exact elementwise operations: rows stay independent

        Tensor Column(Func<ScheduleMatch, double> value) => tensor([.. rows.Select(value)], dtype: x.dtype, device: x.device);

        Tensor Spread(Func<ScheduleMatch, double> value) => Column(value).view([rows.Length, .. Enumerable.Repeat(1L, (int)x.dim() - 1)]);
    }
}
