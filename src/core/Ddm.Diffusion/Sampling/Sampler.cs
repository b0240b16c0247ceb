using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>
/// Draws pictures: integrates dx/dt = u_t(x) from noise at t = 1 to data at t = 0. Runs on the calling thread and holds no tensor between calls.
/// </summary>
/// <param name="ensemble">The velocity field.</param>
/// <param name="rowShape">Shape of one picture, [C, H, W].</param>
/// <param name="device">Where the models live; null: the CPU.</param>
public sealed class Sampler(Ensemble ensemble, IReadOnlyList<long> rowShape, Device? device = null)
{
    private readonly Device device = device ?? CPU;

    /// <summary>Pictures integrated at once.</summary>
    public int MaxBatch { get; init; } = 64;

    /// <summary>
    /// p(k | c) that <c>ancestral</c> draws from, a row for each label and the last for none (just one row where the models are unconditional): the clusters' shares of
    /// the training rows, which are known exactly. Null: the router's answer at t = 1.
    /// </summary>
    public double[,]? Prior { get; init; }

    /// <summary>False leaves pictures as they are integrated, for latents.</summary>
    public bool Clamp { get; init; } = true;

    /// <summary>Turns what was drawn into pictures, [B, ...] -> [B, C, H, W] in [-1, 1], each row by itself; null: it is pictures.</summary>
    public Func<Tensor, Tensor>? Decode { get; init; }

    /// <summary>Type of the state; float32, unless a closed form is checked.</summary>
    internal ScalarType StateType { get; init; } = ScalarType.Float32;

    /// <summary>x_1 of all pictures instead of their seeds' own, to compare with other implementations.</summary>
    internal Tensor? InitialNoise { get; init; }

    /// <summary>Draws the pictures of a request.</summary>
    /// <param name="request">What to draw.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancellation">Looked at before every step.</param>
    /// <exception cref="UserErrorException">A number of the request is out of range, or asks for what the models cannot do.</exception>
    /// <exception cref="EnsembleDegradedException">Too much of what a picture needs is missing.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public SampleResult Sample(SampleRequest request, IProgress<SampleProgress>? progress = null, CancellationToken cancellation = default)
    {
        var pictures = Begin(request);
        try
        {
            for (var first = 0; first < pictures.Count; first += MaxBatch)
            {
                Picture[] batch = [.. pictures.Skip(first).Take(MaxBatch)];
                Start(batch);
                Require(batch);
                for (var step = 0; step < request.Steps; step++)
                {
                    cancellation.ThrowIfCancellationRequested();
                    Step(batch);
                    Require(batch);
                    progress?.Report(new SampleProgress(first, batch.Length, pictures.Count, step + 1, request.Steps));
                }
            }

            return Finish(pictures);
        }
        finally
        {
            foreach (var picture in pictures)
            {
                picture.Dispose();
            }
        }
    }

    /// <summary>Makes the pictures of a request. They may be stepped beside pictures of other requests, and each is the caller's to dispose.</summary>
    /// <exception cref="UserErrorException">A number of the request is out of range, or asks for what the models cannot do.</exception>
    public IReadOnlyList<Picture> Begin(SampleRequest request)
    {
        TorchNative.EnsureLoaded();
        var labels = Labels(request);
        return [.. Enumerable.Range(0, request.Seeds.Count).Select(i => new Picture(request, i, labels?[i], ensemble.Count, device))];
    }

    /// <summary>Gives pictures their noise; those that lack too much of what they need have a <see cref="Picture.Refusal"/> then.</summary>
    /// <param name="pictures">Begun by this sampler and not started.</param>
    public void Start(IReadOnlyList<Picture> pictures)
    {
        using var noGrad = no_grad();
        Steps().Start(pictures, rowShape, InitialNoise);
    }

    /// <summary>One step of each: Euler's or Heun's, from the time where it stands. One that is refused on the way stays where it is.</summary>
    /// <param name="pictures">Started by this sampler, not refused, not done; in any order and from any requests.</param>
    public void Step(IReadOnlyList<Picture> pictures)
    {
        int[] ends = [.. pictures.Select(p => p.StepsDone + 1)];
        while (pictures.Where((p, i) => p.StepsDone < ends[i] && p.Refusal is null).ToArray() is { Length: > 0 } left)
        {
            using var step = Ask(left);
            Take(step, [.. left.Where(p => p.Refusal is null)]);
        }
    }

    /// <summary>
    /// Begins a stage of a step of each: Euler's step has one, Heun's two. Experts of this process have computed when it returns; <see cref="Take"/> moves the pictures on.
    /// One that lacks too much of what it needs by now has a <see cref="Picture.Refusal"/> then, and is not asked for.
    /// </summary>
    /// <param name="pictures">Started by this sampler, not refused, not done, in no other stage; in any order and from any requests.</param>
    public StepUnderWay Ask(IReadOnlyList<Picture> pictures)
    {
        using var noGrad = no_grad();
        return Steps().Ask(pictures);
    }

    /// <summary>Moves pictures on by what the experts said, waiting for what has not come. A picture whose expert could not answer stays, to be asked for again among the experts that are left.</summary>
    /// <param name="step">The stage.</param>
    /// <param name="pictures">Of the stage, not refused, not taken yet.</param>
    public static void Take(StepUnderWay step, IReadOnlyList<Picture> pictures)
    {
        using var noGrad = no_grad();
        SolverStep.Take(step, pictures);
    }

    /// <summary>The pictures of one request as they were drawn. They stay the caller's.</summary>
    /// <param name="pictures">All of the request, done.</param>
    public SampleResult Finish(IReadOnlyList<Picture> pictures)
    {
        using var noGrad = no_grad();
        return DrawnPictures.Collect(pictures, ToPictures([.. pictures.Select(p => p.State!)]), ensemble);
    }

    /// <summary>What a picture seems to become: its <see cref="Picture.Estimate"/> as a picture, [1, C, H, W] float32 in [-1, 1].</summary>
    /// <exception cref="InvalidOperationException">No estimate was asked for.</exception>
    public Tensor Preview(Picture picture)
    {
        using var noGrad = no_grad();
        return ToPictures([picture.Estimate ?? throw new InvalidOperationException("The picture has no estimate: ask for one before the step.")]);
    }

    private static void Require(Picture[] batch)
    {
        if (batch.Where(p => p.Refusal is not null).MinBy(p => p.LiveMass) is { Refusal: { } refusal })
        {
            throw refusal;
        }
    }

    private SolverStep Steps() => new(ensemble, Prior, device, StateType);

    private Tensor ToPictures(Tensor[] rows)
    {
        using var scope = NewDisposeScope();
        var all = cat(rows, dim: 0);
        return Pictures((Clamp ? all.clamp_(Arithmetic.MinusOne, Arithmetic.One) : all).DetachFromDisposeScope());
    }

    private Tensor Pictures(Tensor drawn)
    {
        if (Decode is null)
        {
            return drawn;
        }

        using (drawn)
        {
            return Decode(drawn).DetachFromDisposeScope();
        }
    }

    /// <summary>Checks a request and gives its labels with "none" written as the null label; null for models without classes.</summary>
    private long[]? Labels(SampleRequest request)
    {
        Require(request.Seeds.Count > 0, $"no picture is asked for: give at least one seed");
        Require(request.RouterInterval >= 1, $"the router asked at every {request.RouterInterval}. step: give a number from 1");
        Require(request.Steps is >= 1 and <= 1000, $"{request.Steps} steps: give 1 to 1000");
        Require(request.Shift > 0 && double.IsFinite(request.Shift), $"shift {request.Shift:R}: give a number above 0, 1 for none");
        Require(double.IsFinite(request.Guidance) && request.Guidance >= 0, $"guidance {request.Guidance:R}: give a number from 0, 1 for none");
        Require(request.Labels is null || request.Labels.Count == request.Seeds.Count, $"{request.Labels?.Count} labels for {request.Seeds.Count} seeds: give one each");
        Require(request.Oracle is null || request.Oracle.Count == request.Seeds.Count, $"{request.Oracle?.Count} clusters for {request.Seeds.Count} seeds: give one each");
        RequireCaptions(request);
        if (!ensemble.Conditional)
        {
            Require(request.Guidance == 1, $"guidance is asked for, but the model is unconditional: leave it at 1");
        }

        if (ensemble.NullLabel is not { } none)
        {
            var what = ensemble.NullText is null ? "is unconditional" : "is conditioned on captions";
            Require(request.Labels is null || request.Labels.All(label => label == -1), $"a class is asked for, but the model {what}: leave the class out");
            return null;
        }

        foreach (var label in request.Labels ?? [])
        {
            Require(label >= -1 && label <= none, $"class {label}: give 0 to {none - 1}, or -1 for none");
        }

        return [.. (request.Labels ?? [.. Enumerable.Repeat(none, request.Seeds.Count)]).Select(label => label == -1 ? none : label)];
    }

    private void RequireCaptions(SampleRequest request)
    {
        foreach (var (text, what) in new[] { (request.Text, "captions"), (request.NegativeText, "negative captions") })
        {
            if (text is not null)
            {
                var known = ensemble.NullText?.shape;
                Require(known is not null, $"{what} are asked for, but the model is not conditioned on captions: leave them out");
                Require(text.size(0) == request.Seeds.Count, $"{text.size(0)} {what} for {request.Seeds.Count} seeds: give one each");
                Require(text.shape.AsSpan(1).SequenceEqual(known.AsSpan(1)), $"{what} of [{string.Join(", ", text.shape.Skip(1))}], but the model takes [{string.Join(", ", known!.Skip(1))}]");
            }
        }
    }

    private static void Require(bool holds, FormattableString otherwise)
    {
        if (!holds)
        {
            throw new UserErrorException($"Sampling: {FormattableString.Invariant(otherwise)}.");
        }
    }
}
