using System.Globalization;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>
/// A published diffusion transformer or router, read and checked whole: its shape, what its output means, and its weights under our names as float32. Owns the tensors.
/// </summary>
public sealed class PublishedNetwork : IDisposable
{
    private const string Positions = "pos_embed";

    // Tables that were computed in float32 have sines that are off by up to 1e-5.
    private const double PositionTolerance = 1e-4;

    private static readonly string[] Prefixes = ["module.", "ema.", "model."];

    private readonly WeightFile file;
    private readonly List<Tensor> made;

    private PublishedNetwork(WeightFile file, DiTConfig shape, int? experts, Parametrization? parametrization, IReadOnlyList<(string Name, Tensor Tensor)> weights, List<Tensor> made)
        => (this.file, Shape, Experts, Parametrization, Weights, this.made) = (file, shape, experts, parametrization, weights, made);

    /// <summary>The safetensors file.</summary>
    public string Path => file.Path;

    /// <summary>Its shape, time's scale included.</summary>
    public DiTConfig Shape { get; }

    /// <summary>K of a router; null: it is an expert.</summary>
    public int? Experts { get; }

    /// <summary>What an expert's output means; null: it is a router.</summary>
    public Parametrization? Parametrization { get; }

    /// <summary>Our names and float32 weights, ordered by name.</summary>
    public IReadOnlyList<(string Name, Tensor Tensor)> Weights { get; }

    /// <summary>Reads an expert or a router, whichever the file holds.</summary>
    /// <param name="path">A safetensors file, or a folder that holds one.</param>
    /// <param name="stated">What is said about it besides its config, and before it.</param>
    /// <exception cref="UserErrorException">It is a pickle or no safetensors; a tensor is missing, of another shape, no floating-point numbers, not finite, or belongs to no such network, and is named; or something is not stated.</exception>
    public static PublishedNetwork Open(string path, StatedNetwork stated)
    {
        TorchNative.EnsureLoaded();
        var file = WeightFile.Open(path);
        try
        {
            using var noGradient = no_grad();
            return Read(file, stated.Or(StatedNetwork.Of(file)).OrParis(file));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Writes the weights as our own published weights are, with the file's free text, such as the step: weights of ours, exported, give the bytes they were.</summary>
    public void Save(Stream target) => TensorFile.Save(target, Weights, file.FreeText);

    /// <inheritdoc/>
    public void Dispose()
    {
        made.ForEach(tensor => tensor.Dispose());
        file.Dispose();
    }

    private static PublishedNetwork Read(WeightFile file, StatedNetwork stated)
    {
        var tensors = Unprefixed(file);
        var keys = NetworkKeys.Of([.. tensors.Keys]) ?? throw new UserErrorException($"{file.Path} is no diffusion transformer that is known: it has neither tensor "
            + $"'{NetworkKeys.Own.Published("x_embedder.proj.weight").Name}' (DiT, SiT, DdmAspire) nor '{NetworkKeys.Paris.Published("x_embedder.proj.weight").Name}' (Paris).");
        var reading = new NetworkShape(file, tensors, keys);
        var router = tensors.ContainsKey("cls_token");
        var parametrization = router ? null : stated.Parametrization(file.Path);
        var shape = reading.Infer(stated, router) with { TimeScale = parametrization?.TimeScale ?? stated.RouterTimeScale(file.Path) };
        int? experts = router ? reading.Experts() : null;
        shape = shape with { StoredPositions = BringsPositions(tensors, shape) };

        // Names and shapes without memory: a file may claim any size.
        using TransformerTrunk network = router ? new RouterNetwork(shape, experts!.Value, initialize: false, META) : new DiT(shape, initialize: false, META);
        var layout = keys.Layout(network);
        PublishedWeights.Require(file.Path, Describe(shape, experts), tensors, [.. layout.Select(tensor => (tensor.Name, tensor.Shape)), .. Table(tensors, shape)]);
        var made = new List<Tensor>();
        var weights = layout.SelectMany(tensor => tensor.Split(tensors[tensor.Name])).Select(weight => (weight.Own, Float(weight.Tensor, made)));
        return new PublishedNetwork(file, shape, experts, parametrization, [.. weights.OrderBy(weight => weight.Own, StringComparer.Ordinal)], made);
    }

    // What trainers put before every name. A file of both weights and averages holds two networks.
    private static Dictionary<string, Tensor> Unprefixed(WeightFile file)
    {
        var tensors = file.Tensors.ToDictionary(StringComparer.Ordinal);
        while (Array.Find(Prefixes, prefix => tensors.Keys.All(name => name.StartsWith(prefix, StringComparison.Ordinal))) is { } prefix && tensors.Count > 0)
        {
            tensors = tensors.ToDictionary(t => t.Key[prefix.Length..], t => t.Value, StringComparer.Ordinal);
        }

        var several = Prefixes.Where(prefix => tensors.Keys.Any(name => name.StartsWith(prefix, StringComparison.Ordinal))).ToArray();
        return several.Length == 0 ? tensors
            : throw new UserErrorException($"{file.Path} has tensors under '{several[0]}' and others beside them: it holds more than one network. Keep one, its averages (ema) if it has them.");
    }

    // The fixed table may be in the file, and is not needed from it.
    private static IEnumerable<(string Name, long[] Shape)> Table(Dictionary<string, Tensor> tensors, DiTConfig shape)
        => tensors.ContainsKey(Positions) && !shape.StoredPositions ? [(Positions, [1, shape.Tokens, shape.Hidden])] : [];

    private static bool BringsPositions(Dictionary<string, Tensor> tensors, DiTConfig shape)
    {
        if (!tensors.TryGetValue(Positions, out var stored) || !stored.is_floating_point() || !stored.shape.SequenceEqual([1, shape.Tokens, shape.Hidden]))
        {
            return false; // absent, or to be refused
        }

        using var scope = NewDisposeScope();
        var difference = stored.to(ScalarType.Float32).Minus(PositionTable.Create(shape.Hidden, shape.Grid, CPU)).abs().max().item<float>();
        return !(difference <= PositionTolerance + Rounding(stored.dtype));
    }

    // Of a number up to 1.
    private static double Rounding(ScalarType type) => type switch
    {
        ScalarType.Float16 => Math.ScaleB(1, -12),
        ScalarType.BFloat16 => Math.ScaleB(1, -9),
        _ => 0,
    };

    private static Tensor Float(Tensor tensor, List<Tensor> made)
    {
        if (tensor.dtype == ScalarType.Float32)
        {
            return tensor;
        }

        made.Add(tensor.to(ScalarType.Float32).DetachFromDisposeScope());
        return made[^1];
    }

    private static string Describe(DiTConfig shape, int? experts) => string.Create(
        CultureInfo.InvariantCulture,
        $"{(experts is { } k ? $"a router over {k} experts" : "a diffusion transformer")} of {shape.Depth} blocks, width {shape.Hidden}, {shape.Heads} heads, patch {shape.Patch}, input {shape.Channels} x {shape.ImageSize} x {shape.ImageSize}");
}
