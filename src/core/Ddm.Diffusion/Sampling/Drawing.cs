using System.Runtime.InteropServices;
using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>One request being drawn: the solver's loop, and the record of how every picture was routed.</summary>
internal sealed class Drawing
{
    private readonly Ensemble ensemble;
    private readonly SampleRequest request;
    private readonly long[]? labels;
    private readonly double[,]? prior;
    private readonly Device device;
    private readonly ScalarType type;
    private readonly Tensor? initialNoise;
    private readonly double[] grid;
    private readonly float[,,] weights;
    private readonly int[,] choices;
    private readonly long[] evaluations;
    private readonly double[] liveMass;
    private readonly double[,] gaps;
    private long routerEvaluations;

    public Drawing(Ensemble ensemble, SampleRequest request, long[]? labels, double[,]? prior, Device device, ScalarType type, Tensor? initialNoise)
    {
        (this.ensemble, this.request, this.labels, this.prior, this.device, this.type, this.initialNoise) = (ensemble, request, labels, prior, device, type, initialNoise);
        grid = TimeGrid.Uniform(request.Steps, request.Shift);
        weights = new float[request.Steps, request.Seeds.Count, ensemble.Count];
        choices = new int[request.Steps, request.Seeds.Count];
        evaluations = new long[ensemble.Count];
        liveMass = new double[request.Seeds.Count];
        gaps = new double[request.Steps, request.Seeds.Count];
        MemoryMarshal.CreateSpan(ref gaps[0, 0], gaps.Length).Fill(double.PositiveInfinity);
    }

    public SampleResult Result(Tensor images) => new(images)
    {
        Weights = weights,
        Choices = choices,
        Gaps = gaps,
        Evaluations = evaluations,
        RouterEvaluations = routerEvaluations,
        LiveMass = liveMass,
        Degraded = ensemble.Degraded,
    };

    /// <summary>Integrates pictures first .. first + count - 1 from their noise to the end.</summary>
    public Tensor Batch(int first, int count, IReadOnlyList<long> rowShape, bool clamp, IProgress<SampleProgress>? progress, CancellationToken cancellation)
    {
        using var batch = NewDisposeScope();
        var x = Noise(first, count, rowShape);
        var (conditions, negatives) = (Conditions(first, count), Negatives(first, count));
        CheckLiveMass(first, x, conditions);
        for (var step = 0; step < request.Steps; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var next = Step(step, first, x, conditions, negatives).MoveToOuterDisposeScope();
            x.Dispose();
            x = next;
            progress?.Report(new SampleProgress(first, count, request.Seeds.Count, step + 1, request.Steps));
        }

        return (clamp ? x.clamp_(Arithmetic.MinusOne, Arithmetic.One) : x).DetachFromDisposeScope();
    }

    /// <summary>One step from grid[step] to grid[step + 1]: Euler, or Heun with the routing of its first stage.</summary>
    private Tensor Step(int step, int first, Tensor x, Tensor? conditions, Tensor? negatives)
    {
        var (now, next) = (grid[step], grid[step + 1]);
        var routing = Route(step, first, x, Times(x, now), conditions, negatives);
        var velocity = Velocity(x, now, conditions, negatives, routing);
        var euler = x.PlusProduct(velocity, next - now);
        if (request.Solver == Solver.Euler || step == request.Steps - 1)
        {
            return euler; // the last step of Heun too: at t = 0 the posterior is not defined
        }

        var ahead = Velocity(euler, next, conditions, negatives, routing);
        return x.PlusProduct(velocity.Plus(ahead), (next - now) / 2);
    }

    /// <summary>v_c, or v_u + s (v_c - v_u) with both halves in one call of every expert.</summary>
    private Tensor Velocity(Tensor x, double time, Tensor? conditions, Tensor? negatives, Dispatch routing)
    {
        var t = Times(x, time);
        if (request.Guidance == 1)
        {
            return ensemble.Velocity(x, t, conditions, routing, evaluations);
        }

        var both = ensemble.Velocity(cat([x, x], dim: 0), cat([t, t], dim: 0), cat([conditions!, negatives!], dim: 0), routing, evaluations);
        var halves = both.chunk(2, dim: 0); // conditional, unconditional
        return Guidance.Combine(halves[0], halves[1], request.Guidance, request.GuidedChannels);
    }

    private Dispatch Route(int step, int first, Tensor x, Tensor t, Tensor? conditions, Tensor? negatives)
    {
        var conditional = Choose(step, first, x, t, conditions);
        Record(step, first, conditional);
        if (request.Guidance == 1)
        {
            return Dispatch.Of(conditional.Weights, ensemble.Count);
        }

        var separate = request.GuidanceRouting == GuidanceRouting.Separate && !request.Strategy.KeepsChoice;
        return Dispatch.Of(conditional, separate ? Choose(step, first, x, t, negatives) : conditional);
    }

    private RoutingChoice Choose(int step, int first, Tensor x, Tensor t, Tensor? conditions)
    {
        var count = (int)x.size(0);
        var asked = AsksRouter(step);
        var choice = request.Strategy.Choose(new RoutingContext
        {
            Probabilities = asked ? Ask(x, t, conditions) : PriorRows(first, count),
            Available = ensemble.Available,
            Uniforms = [.. Enumerable.Range(first, count).Select(i => Philox.Create(request.Seeds[i], 0, RandomStreams.Routing).Uniform((ulong)step, 0))],
            Previous = step == 0 ? null : [.. Enumerable.Range(first, count).Select(i => choices[step - 1, i])],
            Oracle = request.Oracle is null ? null : [.. Enumerable.Range(first, count).Select(i => request.Oracle[i])],
        });
        for (var i = 0; i < count && asked; i++) // only the router's answers are inexact
        {
            gaps[step, first + i] = Math.Min(gaps[step, first + i], choice.Gaps[i]);
        }

        return choice;
    }

    private bool AsksRouter(int step) => request.Strategy.AsksRouter(step == 0) && (prior is null || request.Strategy is not AncestralRouting);

    private Tensor Ask(Tensor x, Tensor t, Tensor? conditions)
    {
        routerEvaluations += x.size(0);
        return ensemble.LiveProbabilities(x, t, conditions);
    }

    // p(k | c) where ancestral draws from it; elsewhere a strategy that does not ask does not look.
    private Tensor PriorRows(int first, int count)
    {
        if (prior is null || request.Strategy is not AncestralRouting)
        {
            return ones([count, ensemble.Count], ScalarType.Float64);
        }

        var rows = new double[count, ensemble.Count];
        for (var i = 0; i < count; i++)
        {
            var label = labels is null ? 0 : labels[first + i];
            for (var k = 0; k < ensemble.Count; k++)
            {
                rows[i, k] = prior[label, k];
            }
        }

        return tensor(rows);
    }

    private void Record(int step, int first, RoutingChoice routed)
    {
        for (var i = 0; i < routed.Gaps.Count; i++)
        {
            var row = routed.Weights.Slice(i * ensemble.Count, ensemble.Count);
            var best = 0;
            for (var k = 0; k < row.Length; k++)
            {
                weights[step, first + i, k] = (float)row[k];
                best = row[k] > row[best] ? k : best;
            }

            choices[step, first + i] = best;
        }
    }

    private void CheckLiveMass(int first, Tensor x1, Tensor? conditions)
    {
        routerEvaluations += ensemble.Degraded ? x1.size(0) : 0;
        var mass = ensemble.LiveMass(x1, conditions);
        mass.CopyTo(liveMass, first);
        var least = Array.IndexOf(mass, mass.Min());
        if (mass[least] < ensemble.LiveMassFloor)
        {
            var label = labels is null || labels[first + least] == ensemble.NullLabel ? (long?)null : labels[first + least];
            throw new EnsembleDegradedException(
                mass[least], ensemble.LiveMassFloor, [.. Enumerable.Range(0, ensemble.Count).Where(k => !ensemble.Available[k])], label);
        }
    }

    /// <summary>x_1 of every picture, from its own seed.</summary>
    private Tensor Noise(int first, int count, IReadOnlyList<long> rowShape)
    {
        if (initialNoise is not null)
        {
            return initialNoise.narrow(0, first, count).to(type, device, copy: true);
        }

        var size = (int)rowShape.Aggregate(1L, (a, b) => a * b);
        var noise = new float[count * size];
        Parallel.For(0, count, i => Philox.Create(request.Seeds[first + i], 0, RandomStreams.PictureNoise).FillNormal(noise.AsSpan(i * size, size), 0, 0));
        return tensor(noise, [count, .. rowShape]).to(type, device);
    }

    private Tensor Times(Tensor x, double time) => Arithmetic.Filled([x.size(0)], time, type, device);

    private Tensor? Conditions(int first, int count)
    {
        if (request.Text is { } text)
        {
            return text.narrow(0, first, count).to(device);
        }

        return labels is not null ? tensor(labels.AsSpan(first, count).ToArray(), device: device)
            : ensemble.Conditional ? ensemble.NoCondition(count, device) : null;
    }

    // What the other half of a guided velocity is conditioned on.
    private Tensor? Negatives(int first, int count)
        => request.NegativeText is { } text ? text.narrow(0, first, count).to(device) : ensemble.Conditional ? ensemble.NoCondition(count, device) : null;
}
