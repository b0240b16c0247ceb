using Ddm.Runs;
using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>Which router answer each half of a guided velocity is mixed with.</summary>
public enum GuidanceRouting
{
    /// <summary>Both halves with p(k | x_t, c): one router call a step.</summary>
    Shared,

    /// <summary>v_u with p(k | x_t), v_c with p(k | x_t, c): exact for full routing. Strategies that keep one expert per image share it all the same.</summary>
    Separate,
}

/// <summary>Pictures to draw. Picture i depends on its own seed, label and these settings alone, not on its neighbours.</summary>
public sealed record SampleRequest
{
    /// <summary>One seed a picture.</summary>
    public required IReadOnlyList<long> Seeds { get; init; }

    /// <summary>One class a picture, -1 or the null label for none; null: none for all.</summary>
    public IReadOnlyList<long>? Labels { get; init; }

    /// <summary>Captions as the models take them, a row a picture, [B, ...]; null: none for all.</summary>
    public Tensor? Text { get; init; }

    /// <summary>What guidance leads away from, a row a picture, in place of "no caption"; null: that.</summary>
    public Tensor? NegativeText { get; init; }

    /// <summary>Solver steps.</summary>
    public int Steps { get; init; } = 50;

    /// <summary>s of v = v_u + s (v_c - v_u); 1: no guidance.</summary>
    public double Guidance { get; init; } = 1;

    /// <summary>Leading channels that guidance acts on; null: all. DiT's and SiT's published samples guide 3 of 4.</summary>
    public int? GuidedChannels { get; init; }

    /// <summary>Euler, or Heun at twice the cost.</summary>
    public Solver Solver { get; init; } = Solver.Euler;

    /// <summary>Timestep shift: see <see cref="TimeGrid.Shift"/>.</summary>
    public double Shift { get; init; } = 1;

    /// <summary>How experts are chosen.</summary>
    public RoutingStrategy Strategy { get; init; } = RoutingStrategy.Default;

    /// <summary>r: the router is asked at every r-th step, and its choice kept between them; 1: at every step.</summary>
    public int RouterInterval { get; init; } = 1;

    /// <summary>How the halves of a guided velocity are routed.</summary>
    public GuidanceRouting GuidanceRouting { get; init; } = GuidanceRouting.Shared;

    /// <summary>The cluster of every picture, for <c>oracle</c>.</summary>
    public IReadOnlyList<int>? Oracle { get; init; }
}
