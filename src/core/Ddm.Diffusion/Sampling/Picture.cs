using Ddm.Runs;
using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>
/// One picture on its way from noise to data: its own times, state and routing, so that it can be stepped beside any others. <see cref="Sampler.Begin"/> makes it,
/// <see cref="Sampler.Step"/> takes it further. Belongs to the thread that steps it.
/// </summary>
public sealed class Picture : IDisposable
{
    private readonly double[] grid;
    private readonly Tensor? condition;
    private readonly Tensor? negative;
    private readonly bool[] missing;
    private readonly SortedSet<(int Expert, string By)> answeredBy = [];
    private Tensor? ahead;

    internal Picture(SampleRequest request, int index, long? label, int experts, Device device)
    {
        (Request, Index, Label, Seed) = (request, index, label, request.Seeds[index]);
        grid = TimeGrid.Uniform(request.Steps, request.Shift);
        condition = Row(request.Text, index, device);
        negative = Row(request.NegativeText, index, device);
        Weights = new float[request.Steps, experts];
        Choices = new int[request.Steps];
        Gaps = new double[request.Steps];
        Array.Fill(Gaps, double.PositiveInfinity);
        Evaluations = new long[experts];
        (Shares, OtherShares) = (new double[experts], new double[experts]);
        missing = new bool[experts];
    }

    /// <summary>The seed that its noise and its routing come from.</summary>
    public long Seed { get; }

    /// <summary>Steps done.</summary>
    public int StepsDone { get; private set; }

    /// <summary>Steps in all.</summary>
    public int Steps => Request.Steps;

    /// <summary>True when it has come to data.</summary>
    public bool Done => StepsDone == Steps;

    /// <summary>m: the probability at t = 1 of the experts that have been there all along; 1 when none was missing.</summary>
    public double LiveMass { get; internal set; } = 1;

    /// <summary>True when an expert was missing at a step.</summary>
    public bool Degraded => missing.Contains(true);

    /// <summary>Experts elsewhere that answered for it, and who it was, by expert; empty: this process did all.</summary>
    public IReadOnlyCollection<(int Expert, string By)> AnsweredBy => answeredBy;

    /// <summary>Why it cannot be drawn, or no further: too much of what it needs is missing. Null: it can.</summary>
    public EnsembleDegradedException? Refusal { get; internal set; }

    /// <summary>Set before a step: the step also leaves an <see cref="Estimate"/>.</summary>
    public bool WantsEstimate { get; set; }

    /// <summary>x_0 as the last step that was asked saw it coming, x_t - t v: [1, ...]. Null: none was asked for.</summary>
    public Tensor? Estimate { get; private set; }

    internal SampleRequest Request { get; }

    internal int Index { get; }

    internal long? Label { get; }

    /// <summary>x_t, [1, ...]; null before it is started.</summary>
    internal Tensor? State { get; private set; }

    /// <summary>The velocity at the present step's beginning, [1, ...], between the two stages of Heun's; null: it is to be asked for.</summary>
    internal Tensor? Slope { get; private set; }

    /// <summary>Where the velocity is asked for next, [1, ...]: x_t, or between two stages what the first led to.</summary>
    internal Tensor Place => ahead ?? State!;

    /// <summary>The time of <see cref="Place"/>.</summary>
    internal double PlaceTime => Slope is null ? Now : Next;

    /// <summary>Experts that were missing at a step of it.</summary>
    internal IReadOnlyList<bool> Missing => missing;

    internal float[,] Weights { get; }

    internal int[] Choices { get; }

    internal double[] Gaps { get; }

    internal long[] Evaluations { get; }

    internal long RouterEvaluations { get; set; }

    /// <summary>[K]: the weights that the conditional velocity of the present step is mixed with.</summary>
    internal double[] Shares { get; }

    /// <summary>[K]: those of the unconditional half.</summary>
    internal double[] OtherShares { get; }

    internal bool Guided => Request.Guidance != 1;

    internal bool RoutesSeparately => Guided && Request.GuidanceRouting == GuidanceRouting.Separate && !Request.Strategy.KeepsChoice;

    /// <summary>False at steps that keep the weights of the last: see <see cref="SampleRequest.RouterInterval"/>.</summary>
    internal bool RoutesNow => Request.Strategy.KeepsChoice || StepsDone % Request.RouterInterval == 0;

    /// <summary>The time it stands at.</summary>
    internal double Now => grid[StepsDone];

    /// <summary>The time that the present step leads to.</summary>
    internal double Next => grid[StepsDone + 1];

    /// <summary>Whether the present step has a second stage. The last of Heun's has none: at t = 0 the posterior is not defined.</summary>
    internal bool Corrects => Request.Solver == Solver.Heun && StepsDone < Steps - 1;

    /// <summary>What the networks are told of it, [1, ...]; <paramref name="none"/>: nothing.</summary>
    internal Tensor? Caption(Tensor? none) => condition ?? none;

    /// <summary>What guidance leads away from, [1, ...].</summary>
    internal Tensor? NegativeCaption(Tensor? none) => negative ?? none;

    /// <summary>Takes its noise.</summary>
    internal void Start(Tensor noise) => State = noise.DetachFromDisposeScope();

    /// <summary>Ends the first stage of a step of two.</summary>
    internal void Look(Tensor slope, Tensor next) => (Slope, ahead) = (slope.DetachFromDisposeScope(), next.DetachFromDisposeScope());

    /// <summary>Goes back to the beginning of the present step, to be routed again.</summary>
    internal void Restart()
    {
        Slope?.Dispose();
        ahead?.Dispose();
        (Slope, ahead) = (null, null);
    }

    /// <summary>Notes which experts are there; true when one is missing that was not missing before.</summary>
    internal bool Note(IReadOnlyList<bool> available)
    {
        var more = false;
        for (var k = 0; k < missing.Length; k++)
        {
            more |= !available[k] && !missing[k];
            missing[k] |= !available[k];
        }

        return more;
    }

    /// <summary>Whether the weights of the last routing ask an expert that is not there.</summary>
    internal bool NeedsMissing(IReadOnlyList<bool> available)
    {
        for (var k = 0; k < Shares.Length; k++)
        {
            if (!available[k] && (Shares[k] != 0 || OtherShares[k] != 0))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Writes down who answered for experts that live elsewhere.</summary>
    internal void NoteAnswers(IEnumerable<(int Expert, string By)> answers) => answeredBy.UnionWith(answers);

    /// <summary>Ends the present step.</summary>
    internal void Advance(Tensor next, Tensor? estimate)
    {
        State!.Dispose();
        State = next.DetachFromDisposeScope();
        Estimate?.Dispose();
        Estimate = estimate?.DetachFromDisposeScope();
        Restart();
        WantsEstimate = false;
        StepsDone++;
    }

    /// <summary>Writes down the weights of the present step.</summary>
    internal void Record()
    {
        var best = 0;
        for (var k = 0; k < Shares.Length; k++)
        {
            Weights[StepsDone, k] = (float)Shares[k];
            best = Shares[k] > Shares[best] ? k : best;
        }

        Choices[StepsDone] = best;
    }

    /// <summary>Counts one evaluation of every expert that has weight.</summary>
    internal void Count()
    {
        for (var k = 0; k < Shares.Length; k++)
        {
            Evaluations[k] += (Shares[k] != 0 ? 1 : 0) + (Guided && OtherShares[k] != 0 ? 1 : 0);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        State?.Dispose();
        Estimate?.Dispose();
        Restart();
        condition?.Dispose();
        negative?.Dispose();
    }

    // A view: it keeps what it shows, also when the caller's handle is gone.
    private static Tensor? Row(Tensor? all, int index, Device device)
    {
        using var scope = NewDisposeScope();
        return all?.narrow(0, index, 1).to(device).DetachFromDisposeScope();
    }
}
