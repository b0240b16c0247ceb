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

        if (ensemble.Degraded)
        {
            CheckLiveMass(pictures, x);
        }
    }

    /// <summary>One step: Euler, or Heun with the routing of its first stage.</summary>
    /// <param name="pictures">Started, not done.</param>
    public void Run(IReadOnlyList<Picture> pictures)
    {
        using var scope = NewDisposeScope();
        var x = cat([.. pictures.Select(p => p.State!)], dim: 0);
        Route(pictures, x);
        var velocity = Velocity(pictures, x, p => p.Now);
        var next = x.PlusProduct(velocity, Column(pictures, x, p => p.Next - p.Now));
        if (Where(pictures, p => p.Corrects) is { Length: > 0 } corrected)
        {
            var some = Take(pictures, corrected);
            var (before, first) = (Rows(x, corrected, pictures.Count), Rows(velocity, corrected, pictures.Count));
            var ahead = Velocity(some, Rows(next, corrected, pictures.Count), p => p.Next);
            next = Put(next, corrected, pictures.Count, before.PlusProduct(first.Plus(ahead), Column(some, x, p => (p.Next - p.Now) / 2)));
        }

        for (var i = 0; i < pictures.Count; i++)
        {
            var picture = pictures[i];
            var estimate = picture.WantsEstimate ? x.narrow(0, i, 1).PlusProduct(velocity.narrow(0, i, 1), -picture.Now) : null;
            picture.Advance(next.narrow(0, i, 1), estimate);
        }
    }

    /// <summary>v_c, or v_u + s (v_c - v_u) with both halves in one call of every expert.</summary>
    private Tensor Velocity(IReadOnlyList<Picture> pictures, Tensor x, Func<Picture, double> time)
    {
        foreach (var picture in pictures)
        {
            picture.Count();
        }

        var guided = Where(pictures, p => p.Guided);
        var others = Take(pictures, guided);
        Picture[] rows = [.. pictures, .. others];
        double[] shares = [.. pictures.SelectMany(p => p.Shares), .. others.SelectMany(p => p.OtherShares)];
        var all = ensemble.Velocity(
            guided.Length == 0 ? x : cat([x, Rows(x, guided, pictures.Count)], dim: 0), Times(rows, time), Conditions(pictures, others),
            Dispatch.Of(shares, ensemble.Count), evaluations: null);
        if (guided.Length == 0)
        {
            return all;
        }

        var (conditional, unconditional) = (all.narrow(0, 0, pictures.Count), all.narrow(0, pictures.Count, guided.Length));
        var combined = conditional;
        foreach (var alike in Enumerable.Range(0, guided.Length).GroupBy(j => others[j].Request.GuidedChannels))
        {
            long[] places = [.. alike.Select(j => (long)j)];
            long[] at = [.. places.Select(j => guided[j])];
            var (c, u) = (Rows(conditional, at, pictures.Count), Rows(unconditional, places, guided.Length));
            combined = Put(combined, at, pictures.Count, Guidance.Combine(c, u, Column(Take(pictures, at), c, p => p.Request.Guidance), alike.Key));
        }

        return combined;
    }

    private void Route(IReadOnlyList<Picture> pictures, Tensor x)
    {
        var asking = Where(pictures, p => p.Routes && AsksRouter(p));
        var separate = Where(pictures, p => p.Routes && p.RoutesSeparately);
        var answers = Ask(pictures, x, asking, separate);
        var (asked, apart) = (new Queue<double[]>(answers[..asking.Length]), new Queue<double[]>(answers[asking.Length..]));
        foreach (var picture in pictures)
        {
            if (picture.Routes)
            {
                var asks = AsksRouter(picture);
                Choose(picture, asks ? asked.Dequeue() : PriorRow(picture), picture.Shares, asks);
                if (picture.RoutesSeparately)
                {
                    Choose(picture, apart.Dequeue(), picture.OtherShares, asks);
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
    private double[][] Ask(IReadOnlyList<Picture> pictures, Tensor x, long[] asking, long[] separate)
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

        var answers = ensemble.LiveProbabilities(Rows(x, [.. asking, .. separate], pictures.Count), Times(rows, p => p.Now), Conditions(conditional, unconditional));
        return [.. answers.data<double>().ToArray().Chunk(ensemble.Count)];
    }

    private void Choose(Picture picture, double[] probabilities, double[] shares, bool asked)
    {
        var step = picture.StepsDone;
        Array.Clear(shares);
        var gap = picture.Request.Strategy.Choose(
            probabilities, ensemble.Available, Philox.Create(picture.Seed, 0, RandomStreams.Routing).Uniform((ulong)step, 0),
            step == 0 ? null : picture.Choices[step - 1], picture.Request.Oracle?[picture.Index], shares);
        if (asked)
        {
            picture.Gaps[step] = Math.Min(picture.Gaps[step], gap); // only the router's answers are inexact
        }
    }

    private bool AsksRouter(Picture picture)
        => picture.Request.Strategy.AsksRouter(picture.StepsDone == 0) && (prior is null || picture.Request.Strategy is not AncestralRouting);

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

    private void CheckLiveMass(IReadOnlyList<Picture> pictures, Tensor x1)
    {
        var masses = ensemble.LiveMass(x1, Conditions(pictures, []));
        for (var i = 0; i < pictures.Count; i++)
        {
            var picture = pictures[i];
            picture.RouterEvaluations++;
            picture.LiveMass = masses[i];
            if (masses[i] < ensemble.LiveMassFloor)
            {
                picture.Refusal = new EnsembleDegradedException(
                    masses[i], ensemble.LiveMassFloor, [.. Enumerable.Range(0, ensemble.Count).Where(k => !ensemble.Available[k])],
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

    private Tensor Times(IReadOnlyList<Picture> pictures, Func<Picture, double> time) => tensor([.. pictures.Select(time)], dtype: type, device: device);

    /// <summary>A number for each row, in the shape that multiplies rows.</summary>
    private static Tensor Column(IReadOnlyList<Picture> pictures, Tensor like, Func<Picture, double> value)
        => tensor([.. pictures.Select(value)], dtype: like.dtype, device: like.device).view([pictures.Count, .. Enumerable.Repeat(1L, (int)like.dim() - 1)]);

    private static long[] Where(IReadOnlyList<Picture> pictures, Func<Picture, bool> holds) => [.. Enumerable.Range(0, pictures.Count).Where(i => holds(pictures[i])).Select(i => (long)i)];

    private static Picture[] Take(IReadOnlyList<Picture> pictures, long[] at) => [.. at.Select(i => pictures[(int)i])];

    // Rows in rising order: as many as there are, are all of them.
    private static Tensor Rows(Tensor all, long[] at, int count) => at.Length == count && IsRising(at) ? all : all.index_select(0, tensor(at, device: all.device));

    private static Tensor Put(Tensor all, long[] at, int count, Tensor rows) => at.Length == count ? rows : all.index_copy(0, tensor(at, device: all.device), rows);

    private static bool IsRising(long[] at) => at.Zip(at.Skip(1)).All(pair => pair.First < pair.Second);
}
