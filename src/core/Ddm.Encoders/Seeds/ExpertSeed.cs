using System.Globalization;
using System.Security.Cryptography;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>
/// A seed checkpoint that experts start from: any network that <see cref="PublishedNetwork"/> reads. A tensor is taken where its name and shape are an expert's and it means the same
/// there; of an output layer with variances the rows of the mean. Positions are no weights: an expert has its own table.
/// </summary>
public static class ExpertSeed
{
    private const string Output = "final_layer.linear.";

    /// <summary>What experts would take; nothing is written.</summary>
    /// <param name="spec">The run's spec, which names a seed.</param>
    /// <param name="root">The folder that its paths are relative to.</param>
    /// <param name="expert">An expert's network.</param>
    /// <exception cref="UserErrorException">The seed cannot be read, is a router, does not say what its output means, or nothing of it fits.</exception>
    public static SeedFit Look(RunSpec spec, string root, DiTConfig expert) => Use(spec, root, expert, _ => { });

    /// <summary>Writes what experts take: tensors under our names, float32, the same bytes for the same seed.</summary>
    /// <param name="spec">The run's spec, which names a seed.</param>
    /// <param name="root">The folder that its paths are relative to.</param>
    /// <param name="expert">An expert's network.</param>
    /// <param name="target">Receives a safetensors file.</param>
    /// <exception cref="UserErrorException">As for <see cref="Look"/>.</exception>
    public static SeedFit Copy(RunSpec spec, string root, DiTConfig expert, Stream target) => Use(spec, root, expert, taken => TensorFile.Save(target, taken));

    private static SeedFit Use(RunSpec spec, string root, DiTConfig expert, Action<IReadOnlyList<(string Name, Tensor Tensor)>> use)
    {
        var path = Path.Combine(root, spec.Init.Checkpoint!);
        using var seed = Open(path, spec.Init, expert);
        if (seed.Parametrization is not { } output)
        {
            throw new UserErrorException($"{seed.Path} is a router (it has a tensor 'cls_token'): experts start from an expert or a network of its own.");
        }

        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using var network = new DiT(expert, initialize: false, META);
        var wanted = network.TrainableParameters().Select(weight => (weight.Name, Shape: weight.Parameter.shape)).ToArray();
        var foreign = SeedMeaning.Foreign(seed.Shape, output, expert).ToArray();
        var found = seed.Weights.Where(weight => !foreign.Any(part => part.Holds(weight.Name))).ToDictionary(weight => weight.Name, weight => weight.Tensor, StringComparer.Ordinal);
        var taken = wanted.Select(weight => (weight.Name, Tensor: found.GetValueOrDefault(weight.Name) is { } tensor ? Fitting(weight.Name, tensor, weight.Shape, seed.Shape) : null))
            .Where(weight => weight.Tensor is not null).Select(weight => (weight.Name, Tensor: weight.Tensor!)).ToArray();
        if (!taken.Any(weight => weight.Tensor.dim() > 1)) // a bias of the output has its shape whatever the width
        {
            throw new UserErrorException(string.Create(
                CultureInfo.InvariantCulture,
                $"{seed.Path}: no matrix of its {seed.Weights.Count} tensors fits an expert. It has {Describe(seed.Shape)}; an expert has {Describe(expert)}. Give a seed of the model's shape, change model, or leave init out."));
        }

        use(taken);
        var names = taken.Select(weight => weight.Name).ToHashSet(StringComparer.Ordinal);
        return new SeedFit
        {
            File = spec.Init.Checkpoint!,
            Sha256 = Hash(seed.Path),
            Tensors = wanted.Length,
            Taken = taken.Length,
            Parameters = wanted.Sum(weight => weight.Shape.Aggregate(1L, (a, b) => a * b)),
            TakenParameters = taken.Sum(weight => weight.Tensor.numel()),
            Reinitialized = SeedFit.Grouped(wanted.Select(weight => weight.Name).Where(name => !names.Contains(name))),
            Reasons = [.. foreign.Select(part => part.Reason)],
            Unused = SeedFit.Grouped(seed.Weights.Select(weight => weight.Name).Where(name => !names.Contains(name))),
        };
    }

    // A schedule says nothing about weights. Where the seed brings no positions its side is not to be seen, nor how many vectors
    // a caption has: neither matters to any of its weights.
    private static PublishedNetwork Open(string path, InitSpec init, DiTConfig expert)
    {
        var stated = new StatedNetwork
        {
            Prediction = init.Prediction is { } prediction ? StatedNetwork.ParsePrediction(prediction) : null,
            Direction = init.Time is { } time ? StatedNetwork.ParseDirection(time) : null,
            TimeScale = init.TimeScale,
            Schedule = init.Prediction == InitSpec.Epsilon ? ScheduleKind.Linear : null,
            Heads = init.Heads,
            Side = BringsPositions(path) ? null : expert.ImageSize,
            TextPlaces = expert.Text?.Tokens ?? 1,
        };
        try
        {
            return PublishedNetwork.Open(path, stated);
        }
        catch (UserErrorException error) when (error.Message.Contains("--", StringComparison.Ordinal))
        {
            throw new UserErrorException($"{error.Message} In a spec these are keys of init: prediction, time, time_scale, heads.", error);
        }
    }

    private static bool BringsPositions(string path)
    {
        using var stream = File.OpenRead(WeightFile.Find(path));
        try
        {
            return SafetensorsHeader.Parse(stream).Tensors.Any(tensor => tensor.Name.EndsWith("pos_embed", StringComparison.Ordinal));
        }
        catch (InvalidDataException)
        {
            return false; // to be refused in the words of who reads it whole
        }
    }

    private static Tensor? Fitting(string name, Tensor tensor, long[] shape, DiTConfig seed)
    {
        if (seed.LearnSigma && name.StartsWith(Output, StringComparison.Ordinal))
        {
            // Rows (p p, 2 C): of each place of a patch the mean's channels, then the variance's.
            tensor = tensor.view([seed.Patch * seed.Patch, 2 * seed.Channels, .. tensor.shape[1..]]).narrow(1, 0, seed.Channels).reshape([-1, .. tensor.shape[1..]]);
        }

        return tensor.shape.SequenceEqual(shape) ? tensor : null;
    }

    private static string Hash(string path)
    {
        using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private static string Describe(DiTConfig shape)
        => string.Create(CultureInfo.InvariantCulture, $"width {shape.Hidden}, {shape.Depth} blocks, patches of {shape.Channels} x {shape.Patch} x {shape.Patch}");
}
