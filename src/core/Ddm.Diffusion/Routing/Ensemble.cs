using Ddm.Runs;
using Ddm.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Ddm.Diffusion;

/// <summary>
/// K experts and a router as one velocity field, u_t(x_t) = sum_k p(k | x_t, t, c) v_k(x_t, t, c) (equation 8 of the paper). Works in whatever float type its
/// models and inputs have. Not bound to a thread; holds no state but its models.
/// </summary>
public sealed class Ensemble
{
    /// <summary>The least live mass that pictures are drawn with.</summary>
    public const double DefaultLiveMassFloor = 0.2;

    private readonly IReadOnlyList<IVelocityModel?> experts;
    private readonly IRouterModel router;

    /// <summary>An ensemble.</summary>
    /// <param name="experts">By cluster; null: missing.</param>
    /// <param name="router">The router over all of them, missing ones included.</param>
    /// <param name="nullLabel">The label of "no condition" (<c>Classes</c>); null: the models are unconditional.</param>
    /// <param name="liveMassFloor">The least mass the live experts must hold at t = 1.</param>
    /// <param name="nullText">The caption of "no condition", [1, ...]; null: the models are not conditioned on captions.</param>
    /// <exception cref="UserErrorException">No expert is there.</exception>
    public Ensemble(
        IReadOnlyList<IVelocityModel?> experts, IRouterModel router, long? nullLabel = null, double liveMassFloor = DefaultLiveMassFloor, Tensor? nullText = null)
    {
        (this.experts, this.router) = (experts, router);
        (NullLabel, NullText, LiveMassFloor) = (nullLabel, nullText, liveMassFloor);
        if (experts.All(expert => expert is null))
        {
            throw new UserErrorException($"None of the {experts.Count} experts is there: train or restore at least one.");
        }
    }

    /// <summary>K, missing experts included.</summary>
    public int Count => experts.Count;

    /// <summary>Which experts are there at this moment: one that lives elsewhere may come and go.</summary>
    public IReadOnlyList<bool> Available => [.. experts.Select(expert => expert is { Live: true })];

    /// <summary>True when an expert is missing.</summary>
    public bool Degraded => Available.Contains(false);

    /// <summary>The label of "no condition"; null: the models are not conditioned on classes.</summary>
    public long? NullLabel { get; }

    /// <summary>The caption of "no condition", [1, ...], the caller's; null: the models are not conditioned on captions.</summary>
    public Tensor? NullText { get; }

    /// <summary>Whether the models are conditioned on something.</summary>
    public bool Conditional => NullLabel is not null || NullText is not null;

    /// <summary>The least mass the live experts must hold at t = 1.</summary>
    public double LiveMassFloor { get; }

    /// <summary>The router's p(k | x_t, t, c) over all K, missing experts included. [B, K] float64 on the CPU.</summary>
    public Tensor Probabilities(Tensor x, Tensor t, Tensor? condition)
    {
        using var scope = NewDisposeScope();
        return F.softmax(Logits(x, t, condition), 1).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// p(k | x_t, t, c, k is live): zero at missing experts, each row summing to one. Taken from the logits, so that it holds also where the missing experts
    /// leave the live ones less than a float can say. [B, K] float64 on the CPU.
    /// </summary>
    public Tensor LiveProbabilities(Tensor x, Tensor t, Tensor? condition) => LiveProbabilities(x, t, condition, Available);

    /// <summary>As <see cref="LiveProbabilities(Tensor, Tensor, Tensor?)"/>, of those that were there when somebody looked.</summary>
    internal Tensor LiveProbabilities(Tensor x, Tensor t, Tensor? condition, IReadOnlyList<bool> available)
    {
        using var scope = NewDisposeScope();
        var logits = Logits(x, t, condition);
        if (available.Contains(false))
        {
            logits = logits.masked_fill(tensor(available.Select(a => !a).ToArray()), NegativeInfinity);
        }

        return F.softmax(logits, 1).MoveToOuterDisposeScope();
    }

    /// <summary>m of every row: the sum over live k of p(k | x_1, c).</summary>
    /// <param name="x1">Noise, [B, ...].</param>
    /// <param name="condition">[B, ...] as the models take it, or null.</param>
    public double[] LiveMass(Tensor x1, Tensor? condition)
    {
        var available = Available;
        return available.Contains(false)
            ? [.. ProbabilitiesOfNoise(x1, condition).Select(row => row.Where((_, k) => available[k]).Sum())]
            : [.. Enumerable.Repeat(1.0, (int)x1.size(0))];
    }

    /// <summary>p(k | x_1, c) of every row, over all K.</summary>
    internal double[][] ProbabilitiesOfNoise(Tensor x1, Tensor? condition)
    {
        using var scope = NewDisposeScope();
        return [.. Probabilities(x1, Arithmetic.Filled([x1.size(0)], 1, x1.dtype, x1.device), condition).data<double>().ToArray().Chunk(Count)];
    }

    /// <summary>Rows of "no condition", [rows, ...].</summary>
    /// <exception cref="InvalidOperationException">The models are unconditional.</exception>
    public Tensor NoCondition(long rows, Device device)
    {
        using var scope = NewDisposeScope();
        var all = NullText is { } text ? text.to(device).expand([rows, .. text.shape[1..]])
            : Arithmetic.Filled([rows], NullLabel ?? throw new InvalidOperationException("The models are unconditional."), ScalarType.Int64, device);
        return all.MoveToOuterDisposeScope();
    }

    /// <summary>The mixed velocity under given weights. An expert is evaluated only on the rows that give it weight.</summary>
    /// <param name="x">x_t, [B, ...].</param>
    /// <param name="t">[B], of x's type.</param>
    /// <param name="condition">[B, ...] as the models take it, or null.</param>
    /// <param name="weights">[B, K] float64 on the CPU, as <see cref="RoutingStrategy.Weights"/> gives them.</param>
    /// <param name="evaluations">[K]: raised by the rows each expert was evaluated on; null: not counted.</param>
    /// <returns>[B, ...] of x's type.</returns>
    public Tensor Velocity(Tensor x, Tensor t, Tensor? condition, Tensor weights, long[]? evaluations = null)
        => Velocity(x, t, condition, Dispatch.Of(weights.data<double>().ToArray(), Count), evaluations);

    /// <summary>The mixed velocity of rows that are already sorted by expert.</summary>
    internal Tensor Velocity(Tensor x, Tensor t, Tensor? condition, Dispatch dispatch, long[]? evaluations)
    {
        using var answers = Ask(x, t, condition, dispatch);
        long[] rows = [.. Enumerable.Range(0, dispatch.Rows).Select(row => (long)row)];
        if (answers.Settle(rows.ToHashSet()).Values.FirstOrDefault() is { } lost)
        {
            throw lost;
        }

        foreach (var part in dispatch.Parts)
        {
            evaluations?[part.Expert] += part.Rows.Length;
        }

        return answers.Mix(rows);
    }

    /// <summary>Asks every expert that a row gives weight to; experts of this process have answered when it returns.</summary>
    internal ExpertAnswers Ask(Tensor x, Tensor t, Tensor? condition, Dispatch dispatch) => new(x, dispatch, part => Begin(x, t, condition, part, part.Rows.Length == dispatch.Rows));

    private VelocityCall Begin(Tensor x, Tensor t, Tensor? condition, Dispatch.Part part, bool all)
    {
        var expert = experts[part.Expert] ?? throw new InvalidOperationException($"A row gives weight to expert {part.Expert}, which is missing.");
        if (all)
        {
            return expert.Begin(x, t, condition);
        }

        var index = tensor(part.Rows, device: x.device);
        return expert.Begin(x.index_select(0, index), t.index_select(0, index), condition?.index_select(0, index));
    }

    private static readonly Scalar NegativeInfinity = double.NegativeInfinity;

    private Tensor Logits(Tensor x, Tensor t, Tensor? condition)
    {
        var logits = router.Logits(x, t, condition);
        return logits.size(1) == Count
            ? logits.to(ScalarType.Float64, CPU)
            : throw new InvalidOperationException($"The router gives {logits.size(1)} logits for {Count} experts: it belongs to another model.");
    }
}
