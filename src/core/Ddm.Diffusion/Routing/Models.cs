using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>An expert: a velocity field. Implementations return a new tensor of the rows' shape and keep nothing.</summary>
public interface IVelocityModel
{
    /// <summary>v(x_t, t, c).</summary>
    /// <param name="x">x_t, [N, ...].</param>
    /// <param name="t">[N], of x's type.</param>
    /// <param name="condition">[N, ...], as the networks take it: classes or captions, the null condition's row where there is none; null: no condition anywhere.</param>
    Tensor Velocity(Tensor x, Tensor t, Tensor? condition);

    /// <summary>False while nobody is known who could answer: it is then treated as missing.</summary>
    bool Live => true;

    /// <summary>
    /// Begins what <see cref="Velocity"/> does; the answer is asked for once every expert of a step has begun. An expert that lives elsewhere sends the rows here, and
    /// keeps none of these tensors. One of this process computes when it is asked.
    /// </summary>
    VelocityCall Begin(Tensor x, Tensor t, Tensor? condition) => VelocityCall.Here(() => Velocity(x, t, condition));
}

/// <summary>A router: log p(k | x_t, t, c) up to a constant of the row.</summary>
public interface IRouterModel
{
    /// <summary>[N, K] logits.</summary>
    /// <param name="x">x_t, [N, ...].</param>
    /// <param name="t">[N], of x's type.</param>
    /// <param name="condition">[N, ...], as the networks take it: classes or captions, the null condition's row where there is none; null: no condition anywhere.</param>
    Tensor Logits(Tensor x, Tensor t, Tensor? condition);
}

/// <summary>A <see cref="DiT"/> as an expert.</summary>
/// <param name="network">The network, with the weights to draw from (their EMA).</param>
/// <param name="type">Type of its heavy arithmetic.</param>
/// <param name="invariant">True: a row's velocity has the same bits whatever rows are beside it (CPU). False: all rows at once.</param>
public sealed class DiTExpert(DiT network, ComputeType type = ComputeType.Float32, bool invariant = true) : IVelocityModel
{
    private readonly RowBlocks blocks = RowBlocks.Of(network, type, invariant);

    /// <summary>
    /// Does what the first expert of a shape would do at its first question, once a process: it tries on a small network how many rows may go through together. That takes memory, which
    /// is best taken and given back before weights are there.
    /// </summary>
    /// <param name="shape">Of experts on the CPU, which compute in float32.</param>
    public static void Prepare(DiTConfig shape) => RowBlocks.Prepare(shape);

    /// <inheritdoc/>
    public Tensor Velocity(Tensor x, Tensor t, Tensor? condition) => blocks.Run(x, t, condition);
}

/// <summary>
/// Published SiT weights as an expert. SiT's time runs from noise (0) to data (1) and its velocity is data - noise: v(x, t) = -f(x, 1 - t).
/// </summary>
/// <param name="network">The network, built with <c>TimeScale = 1</c>.</param>
/// <param name="type">Type of its heavy arithmetic.</param>
public sealed class SiTExpert(DiT network, ComputeType type = ComputeType.Float32) : IVelocityModel
{
    private readonly RowBlocks blocks = RowBlocks.Of(network, type);

    /// <inheritdoc/>
    public Tensor Velocity(Tensor x, Tensor t, Tensor? condition) => blocks.Run(x, t.OneMinus(), condition).neg();
}

/// <summary>A <see cref="RouterNetwork"/> as a router.</summary>
/// <param name="network">The network, with the weights to route by (their EMA).</param>
/// <param name="type">Type of its heavy arithmetic.</param>
/// <param name="invariant">True: a row's logits have the same bits whatever rows are beside it (CPU). False: all rows at once.</param>
public sealed class NetworkRouter(RouterNetwork network, ComputeType type = ComputeType.Float32, bool invariant = true) : IRouterModel
{
    private readonly RowBlocks blocks = RowBlocks.Of(network, type, invariant);

    /// <inheritdoc/>
    public Tensor Logits(Tensor x, Tensor t, Tensor? condition) => blocks.Run(x, t, condition);
}

/// <summary>A router that prefers nobody: for a single model, or for strategies that do not ask.</summary>
/// <param name="experts">K.</param>
public sealed class UniformRouter(int experts) : IRouterModel
{
    /// <inheritdoc/>
    public Tensor Logits(Tensor x, Tensor t, Tensor? condition) => zeros([x.size(0), experts], x.dtype, x.device);
}
