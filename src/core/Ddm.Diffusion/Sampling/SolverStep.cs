using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>
/// One step of any pictures of a model, wherever each of them stands: the one implementation that drawing offline and serving share. Every operation treats rows by
/// themselves, so that a picture's bits do not tell who was beside it.
/// </summary>
internal sealed class SolverStep(Ensemble ensemble, double[,]? prior, Device device, ScalarType type)
{
    /// <summary>Gives pictures their noise, and refuses those that need more of the missing experts than they may.</summary>
    /// <param name="pictures">None of them started.</param>
    /// <param name="rowShape">Shape of one picture.</param>
    /// <param name="noise">x_1 of all pictures of the request, instead of their seeds' own.</param>
    public void Start(IReadOnlyList<Picture> pictures, IReadOnlyList<long> rowShape, Tensor? noise)
    {
        using var scope = NewDisposeScope();
        var x = noise is null ? Noise(pictures, rowShape) : cat([.. pictures.Select(p => noise.narrow(0, p.Index, 1))], dim: 0).to(type, device, copy: true);
        for (var i = 0; i < pictures.Count; i++)
        {
            pictures[i].Start(x.narrow(0, i, 1));
        }

        Notice(pictures, ensemble.Available);
    }

    /// <summary>Asks the experts for the velocities where the pictures stand, and routes those that begin a step. Pictures that must not go on are refused and not asked for.</summary>
    /// <param name="pictures">Started, not done.</param>
    public StepUnderWay Ask(IReadOnlyList<Picture> pictures)
    {
        using var scope = NewDisposeScope();
        var available = ensemble.Available;
        Notice(pictures, available);
        Picture[] going = [.. pictures.Where(p => p.Refusal is null)];
        foreach (var picture in going.Where(p => p.Slope is not null && p.NeedsMissing(available)))
        {
            picture.Restart(); // the weights of its first stage ask for an expert that has gone
        }

        if (going.Length == 0)
        {
            return new StepUnderWay([], [], new ExpertAnswers(zeros(0, 1), Dispatch.Of([], ensemble.Count), _ => throw new InvalidOperationException()));
        }

        var x = cat([.. going.Select(p => p.Place)], dim: 0);
        Route(going, x, available);
        var guided = Where(going, p => p.Guided);
        var others = Take(going, guided);
        Picture[] rows = [.. going, .. others];
        double[] shares = [.. going.SelectMany(p => p.Shares), .. others.SelectMany(p => p.OtherShares)];
        var answers = ensemble.Ask(
            guided.Length == 0 ? x : cat([x, Rows(x, guided, going.Length)], dim: 0), Times(rows, p => p.PlaceTime), Conditions(going, others), Dispatch.Of(shares, ensemble.Count));
        return new StepUnderWay(going, others, answers);
    }

    /// <summary>
    /// Moves pictures on by what the experts said: to the end of their step, or, by Heun, between its stages. Those whose expert could not answer go back to their step's beginning.
    /// </summary>
    /// <param name="step">What was asked.</param>
    /// <param name="pictures">Some of those it was asked for; none of them refused. Answers that have not come are waited for.</param>
    public static void Take(StepUnderWay step, IReadOnlyList<Picture> pictures)
    {
        using var scope = NewDisposeScope();
        var lost = step.Settle(pictures).ToHashSet();
        foreach (var picture in lost)
        {
            picture.Restart();
        }

        Picture[] going = [.. pictures.Where(p => !lost.Contains(p))];
        if (going.Length == 0)
        {
            return;
        }

        var velocity = Velocity(step, going);
        var x = cat([.. going.Select(p => p.State!)], dim: 0);
        var slopes = going.All(p => p.Slope is null) ? velocity
            : cat([.. going.Select((p, i) => p.Slope is { } first ? first.Plus(velocity.narrow(0, i, 1)) : velocity.narrow(0, i, 1))], dim: 0);
        var next = x.PlusProduct(slopes, Column(going, x, p => p.Slope is null ? p.Next - p.Now : (p.Next - p.Now) / 2));
        for (var i = 0; i < going.Length; i++)
        {
            var picture = going[i];
            picture.Count();
            picture.NoteAnswers(step.AnsweredBy(picture));
            if (picture.Corrects && picture.Slope is null)
            {
                picture.Look(velocity.narrow(0, i, 1), next.narrow(0, i, 1));
                continue;
            }

            var estimate = picture.WantsEstimate ? x.narrow(0, i, 1).PlusProduct(picture.Slope ?? velocity.narrow(0, i, 1), -picture.Now) : null;
            picture.Advance(next.narrow(0, i, 1), estimate);
        }
    }

    /// <summary>v_c, or v_u + s (v_c - v_u): both halves were asked for in one call of every expert.</summary>
    private static Tensor Velocity(StepUnderWay step, Picture[] pictures)
    {
        var all = step.Mix(pictures);
        var guided = Where(pictures, p => p.Guided);
        if (guided.Length == 0)
        {
            return all;
        }

        var others = Take(pictures, guided);
        var (conditional, unconditional) = (all.narrow(0, 0, pictures.Length), all.narrow(0, pictures.Length, guided.Length));
        var combined = conditional;
        foreach (var alike in Enumerable.Range(0, guided.Length).GroupBy(j => others[j].Request.GuidedChannels))
        {
            long[] places = [.. alike.Select(j => (long)j)];
            long[] at = [.. places.Select(j => guided[j])];
            var (c, u) = (Rows(conditional, at, pictures.Length), Rows(unconditional, places, guided.Length));
            combined = Put(combined, at, pictures.Length, Guidance.Combine(c, u, Column(Take(pictures, at), c, p => p.Request.Guidance), alike.Key));
        }

        return combined;
    }

    private void Route(IReadOnlyList<Picture> pictures, Tensor x, IReadOnlyList<bool> available)
    {
        bool Routes(Picture picture) => picture.Slope is null && (picture.RoutesNow || picture.NeedsMissing(available));

        var asking = Where(pictures, p => Routes(p) && AsksRouter(p, available));
        var separate = Where(pictures, p => Routes(p) && p.RoutesSeparately);
        var answers = AskRouter(pictures, x, asking, separate, available);
        var (asked, apart) = (new Queue<double[]>(answers[..asking.Length]), new Queue<double[]>(answers[asking.Length..]));
        foreach (var picture in pictures.Where(p => p.Slope is null))
        {
            if (Routes(picture))
            {
                var asks = AsksRouter(picture, available);
                Choose(picture, asks ? asked.Dequeue() : PriorRow(picture), picture.Shares, asks, available);
                if (picture.RoutesSeparately)
                {
                    Choose(picture, apart.Dequeue(), picture.OtherShares, asks, available);
                }
                else
                {
                    picture.Shares.CopyTo(picture.OtherShares, 0);
                }
            }

            picture.Record();
        }
    }

    /// <summary>The router's answers for the conditional rows of some pictures and the unconditional rows of others, in one call.</summary>
    private double[][] AskRouter(IReadOnlyList<Picture> pictures, Tensor x, long[] asking, long[] separate, IReadOnlyList<bool> available)
    {
        if (asking.Length + separate.Length == 0)
        {
            return [];
        }

        var (conditional, unconditional) = (Take(pictures, asking), Take(pictures, separate));
        Picture[] rows = [.. conditional, .. unconditional];
        foreach (var picture in rows)
        {
            picture.RouterEvaluations++;
        }

        var answers = ensemble.LiveProbabilities(Rows(x, [.. asking, .. separate], pictures.Count), Times(rows, p => p.Now), Conditions(conditional, unconditional), available);
        return [.. answers.data<double>().ToArray().Chunk(ensemble.Count)];
    }

    private static void Choose(Picture picture, double[] probabilities, double[] shares, bool asked, IReadOnlyList<bool> available)
    {
        var step = picture.StepsDone;
        Array.Clear(shares);
        var gap = picture.Request.Strategy.Choose(
            probabilities, available, Philox.Create(picture.Seed, 0, RandomStreams.Routing).Uniform((ulong)step, 0),
            step == 0 ? null : picture.Choices[step - 1], picture.Request.Oracle?[picture.Index], shares);
        if (asked)
        {
            picture.Gaps[step] = Math.Min(picture.Gaps[step], gap); // only the router's answers are inexact
        }
    }

    // A row that keeps its expert looks again once that has gone.
    private bool AsksRouter(Picture picture, IReadOnlyList<bool> available)
        => picture.Request.Strategy.AsksRouter(picture.StepsDone == 0 || !available[picture.Choices[picture.StepsDone - 1]]) && (prior is null || picture.Request.Strategy is not AncestralRouting);

    // p(k | c) where ancestral draws from it; elsewhere a strategy that does not ask does not look.
    private double[] PriorRow(Picture picture)
    {
        var row = new double[ensemble.Count];
        for (var k = 0; k < row.Length; k++)
        {
            row[k] = prior is null || picture.Request.Strategy is not AncestralRouting ? 1 : prior[picture.Label ?? 0, k];
        }

        return row;
    }

    // m is of noise, also where an expert goes missing on the way: its noise is the seed's.
    private void Notice(IReadOnlyList<Picture> pictures, IReadOnlyList<bool> available)
    {
        Picture[] poorer = available.Contains(false) ? [.. pictures.Where(p => p.Note(available))] : [];
        if (poorer.Length == 0)
        {
            return;
        }

        var x1 = poorer.All(p => p.StepsDone == 0)
            ? cat([.. poorer.Select(p => p.State!)], dim: 0)
            : Noise(poorer, poorer[0].State!.shape[1..]);
        var probabilities = ensemble.ProbabilitiesOfNoise(x1, Conditions(poorer, []));
        for (var i = 0; i < poorer.Length; i++)
        {
            var picture = poorer[i];
            picture.RouterEvaluations++;
            picture.LiveMass = probabilities[i].Where((_, k) => !picture.Missing[k]).Sum();
            if (picture.LiveMass < ensemble.LiveMassFloor || picture.Missing.All(gone => gone))
            {
                picture.Refusal = new EnsembleDegradedException(
                    picture.LiveMass, ensemble.LiveMassFloor, [.. Enumerable.Range(0, ensemble.Count).Where(k => picture.Missing[k])],
                    picture.Label == ensemble.NullLabel ? null : picture.Label);
            }
        }
    }

    /// <summary>x_1 of every picture, from its own seed.</summary>
    private Tensor Noise(IReadOnlyList<Picture> pictures, IReadOnlyList<long> rowShape)
    {
        var size = (int)rowShape.Aggregate(1L, (a, b) => a * b);
        var noise = new float[pictures.Count * size];
        Parallel.For(0, pictures.Count, i => Philox.Create(pictures[i].Seed, 0, RandomStreams.PictureNoise).FillNormal(noise.AsSpan(i * size, size), 0, 0));
        return tensor(noise, [pictures.Count, .. rowShape]).to(type, device);
    }

    /// <summary>What the networks are told of the rows: the pictures' own conditions, then what guidance of others leads away from. Null: nothing.</summary>
    private Tensor? Conditions(IReadOnlyList<Picture> pictures, IReadOnlyList<Picture> others)
    {
        if (ensemble.NullLabel is { } none)
        {
            return tensor([.. pictures.Select(p => p.Label ?? none), .. others.Select(_ => none)], device: device);
        }

        if (ensemble.NullText is null)
        {
            return null;
        }

        var empty = ensemble.NullText.to(device);
        return cat([.. pictures.Select(p => p.Caption(empty)!), .. others.Select(p => p.NegativeCaption(empty)!)], dim: 0);
    }

    private Tensor Times(Picture[] pictures, Func<Picture, double> time) => tensor([.. pictures.Select(time)], dtype: type, device: device);

    /// <summary>A number for each row, in the shape that multiplies rows.</summary>
    private static Tensor Column(Picture[] pictures, Tensor like, Func<Picture, double> value)
        => tensor([.. pictures.Select(value)], dtype: like.dtype, device: like.device).view([pictures.Length, .. Enumerable.Repeat(1L, (int)like.dim() - 1)]);

    private static long[] Where(IReadOnlyList<Picture> pictures, Func<Picture, bool> holds) => [.. Enumerable.Range(0, pictures.Count).Where(i => holds(pictures[i])).Select(i => (long)i)];

    private static Picture[] Take(IReadOnlyList<Picture> pictures, long[] at) => [.. at.Select(i => pictures[(int)i])];

    // Rows in rising order: as many as there are, are all of them.
    private static Tensor Rows(Tensor all, long[] at, int count) => at.Length == count && IsRising(at) ? all : all.index_select(0, tensor(at, device: all.device));

    private static Tensor Put(Tensor all, long[] at, int count, Tensor rows) => at.Length == count ? rows : all.index_copy(0, tensor(at, device: all.device), rows);

    private static bool IsRising(long[] at) => at.Zip(at.Skip(1)).All(pair => pair.First < pair.Second);
}
