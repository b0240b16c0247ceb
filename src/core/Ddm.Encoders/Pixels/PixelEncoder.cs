using System.Globalization;
using Ddm.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>
/// Principal components of the pixels, not whitened: distances between features are distances between pictures, less what the dropped
/// components hold. Each component's sign is the one that makes its largest entry positive, so that a fit does not depend on the solver's choice.
/// </summary>
public sealed class PixelEncoder : IImageEncoder
{
    /// <summary>The name specs call it by.</summary>
    public const string Name = Runs.FeaturesSpec.Pixels;

    /// <summary>Pictures that are encoded by one product of matrices.</summary>
    internal const int BlockRows = 1024;

    private const int MaxFitRows = 20_000; // ample for a covariance of at most 3072 x 3072
    private const string KindKey = "encoder", ShapeKey = "shape";

    private readonly long[] imageShape; // C, H, W of the pictures
    private readonly Tensor mean; // [P] float32
    private readonly Tensor components; // [D, P] float32

    private PixelEncoder(long[] imageShape, Tensor mean, Tensor components, Tensor variances)
    {
        this.imageShape = imageShape;
        this.mean = mean;
        this.components = components;
        Variances = variances;
        Dimensions = (int)components.size(0);
    }

    /// <inheritdoc/>
    public string Id => string.Create(CultureInfo.InvariantCulture, $"{Name}-{Dimensions}@{Shape}");

    /// <inheritdoc/>
    public int Dimensions { get; }

    /// <summary>[D] float32: the sample's variance along each component, largest first.</summary>
    public Tensor Variances { get; }

    private string Shape => string.Join('x', imageShape);

    /// <summary>Finds the components of a sample: eigenvectors of its covariance, in float64.</summary>
    /// <param name="sample">[N, C, H, W] uint8; of more than 20,000 rows a random 20,000 are used.</param>
    /// <param name="dimensions">Components to keep; fewer where pictures have fewer pixels (of 32 x 32 at most).</param>
    /// <param name="seed">Decides which rows are used when there are too many.</param>
    public static PixelEncoder Fit(Tensor sample, int dimensions, long seed)
    {
        TorchNative.EnsureLoaded();
        ArgumentOutOfRangeException.ThrowIfLessThan(dimensions, 1);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var rows = Thin(sample, seed);
        var (mean, covariance) = Moments(rows);
        var (values, vectors) = linalg.eigh(covariance); // ascending
        var kept = (int)Math.Min(dimensions, covariance.size(0));
        var components = FixSigns(vectors.t().flip(0).narrow(0, 0, kept));
        return new PixelEncoder(
            [.. sample.shape[1..]],
            Keep(mean), Keep(components), Keep(values.flip(0).narrow(0, 0, kept).clamp_min(0)));
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pictures have another shape than those it was fitted on.</exception>
    public Tensor Encode(Tensor pixels)
    {
        if (!pixels.shape.AsSpan(1).SequenceEqual(imageShape))
        {
            throw new ArgumentException($"pictures of shape [{string.Join(", ", pixels.shape)}] for an encoder of {Shape}", nameof(pixels));
        }

        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var features = empty([pixels.size(0), Dimensions], ScalarType.Float32);
        var transposed = components.t();
        for (long start = 0; start < pixels.size(0); start += BlockRows)
        {
            using var step = NewDisposeScope();
            var count = Math.Min(BlockRows, pixels.size(0) - start);
            var centred = PixelVectors.From(pixels.narrow(0, start, count)).Minus(mean);
            features.narrow(0, start, count).copy_(centred.mm(transposed));
        }

        return features.MoveToOuterDisposeScope();
    }

    /// <summary>Writes the fitted encoder as safetensors.</summary>
    public void Save(Stream stream) => TensorFile.Save(
        stream,
        [("mean", mean), ("components", components), ("variances", Variances)],
        new Dictionary<string, string> { [KindKey] = Name, [ShapeKey] = Shape });

    /// <summary>Takes a fitted encoder from what <see cref="Save"/> wrote; the bundle may be disposed afterwards.</summary>
    /// <exception cref="InvalidDataException">It holds something else.</exception>
    public static PixelEncoder Load(TensorBundle bundle)
    {
        if (bundle.Metadata.GetValueOrDefault(KindKey) != Name || bundle.Metadata.GetValueOrDefault(ShapeKey) is not { } shape)
        {
            throw new InvalidDataException($"The file holds no fitted '{Name}' encoder (metadata '{KindKey}': " +
                $"'{bundle.Metadata.GetValueOrDefault(KindKey)}').");
        }

        var imageShape = shape.Split('x').Select(side => long.Parse(side, NumberStyles.None, CultureInfo.InvariantCulture)).ToArray();
        var inputs = imageShape[0] * Math.Min(imageShape[1], PixelVectors.MaxSide) * Math.Min(imageShape[2], PixelVectors.MaxSide);
        var kept = bundle.Tensors.TryGetValue("components", out var found) && found.dim() == 2 ? found.size(0) : 0;
        bundle.RequireFinite();
        return new PixelEncoder(
            imageShape, Own(bundle.Require("mean", [inputs])), Own(bundle.Require("components", [kept, inputs])), Own(bundle.Require("variances", [kept])));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        mean.Dispose();
        components.Dispose();
        Variances.Dispose();
    }

    private static Tensor Thin(Tensor sample, long seed)
    {
        if (sample.size(0) <= MaxFitRows)
        {
            return sample;
        }

        var order = new FeistelPermutation(sample.size(0), Philox.Create(seed, 0, RandomStreams.Sampling));
        var rows = new long[MaxFitRows];
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i] = order[i];
        }

        return sample.index_select(0, tensor(rows));
    }

    private static (Tensor Mean, Tensor Covariance) Moments(Tensor rows)
    {
        var inputs = PixelVectors.From(rows.narrow(0, 0, 1)).size(1);
        var sum = zeros(inputs, ScalarType.Float64);
        Each(rows, block => sum.add_(block.sum(dim: 0), Arithmetic.One)); // a bare 0 would be the element type Byte, and the sum one over everything
        using Scalar count = (double)rows.size(0);
        var mean = sum.div(count);
        var scatter = zeros(inputs, inputs, ScalarType.Float64);
        Each(rows, block =>
        {
            var centred = block.Minus(mean);
            scatter.addmm_(centred.t(), centred, 1f, 1f);
        });
        return (mean, scatter.div(count));
    }

    private static void Each(Tensor rows, Action<Tensor> body)
    {
        for (long start = 0; start < rows.size(0); start += BlockRows)
        {
            using var step = NewDisposeScope();
            body(PixelVectors.From(rows.narrow(0, start, Math.Min(BlockRows, rows.size(0) - start))).to(ScalarType.Float64));
        }
    }

    private static Tensor FixSigns(Tensor components)
    {
        var largest = components.abs().argmax(1, keepdim: true);
        return components.mul(components.gather(1, largest).sign());
    }

    private static Tensor Keep(Tensor tensor) => tensor.to(ScalarType.Float32).contiguous().clone().DetachFromDisposeScope();

    private static Tensor Own(Tensor tensor) => tensor.clone().DetachFromDisposeScope();
}
