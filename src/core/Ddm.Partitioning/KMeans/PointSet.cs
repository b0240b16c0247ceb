using System.Runtime.InteropServices;
using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Partitioning;

/// <summary>Checked points, moved so that their mean is zero: |x|^2 - 2 x.c + |c|^2 would lose its digits far from the origin.</summary>
internal sealed class PointSet : IDisposable
{
    private PointSet(Tensor centred, float[] mean, float[] squaredNorms, float[]? weights, double meanVariance)
    {
        Centred = centred;
        Mean = mean;
        SquaredNorms = squaredNorms;
        Weights = weights;
        MeanVariance = meanVariance;
        Count = squaredNorms.Length;
        Dimensions = mean.Length;
    }

    /// <summary>[N, D] float32, contiguous, on the CPU.</summary>
    public Tensor Centred { get; }

    /// <summary>[D]: what was taken from each point.</summary>
    public float[] Mean { get; }

    /// <summary>[N]: |x|^2 of the centred points.</summary>
    public float[] SquaredNorms { get; }

    /// <summary>[N], or null: all one.</summary>
    public float[]? Weights { get; }

    /// <summary>Variance of a dimension, averaged over dimensions, weights left aside.</summary>
    public double MeanVariance { get; }

    /// <summary>N.</summary>
    public int Count { get; }

    /// <summary>D.</summary>
    public int Dimensions { get; }

    /// <summary>Checks and centres points.</summary>
    /// <exception cref="UserErrorException">No points, or numbers that are not finite.</exception>
    public static PointSet Create(Tensor points, Tensor? weights)
    {
        if (points.dim() != 2 || points.size(0) == 0 || points.size(1) == 0)
        {
            throw new UserErrorException($"There is nothing to cluster: features of shape [{string.Join(", ", points.shape)}], where [images, " +
                "dimensions] was expected.");
        }

        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var dense = points.to(float32).cpu().contiguous();
        RequireFinite(dense);
        var mean = dense.mean([0], type: ScalarType.Float64).to(float32);
        var centred = dense.Minus(mean);
        var norms = centred.mul(centred).sum(1);
        var total = norms.sum(ScalarType.Float64).item<double>();
        return new PointSet(
            centred.MoveToOuterDisposeScope().DetachFromDisposeScope(), Floats(mean), Floats(norms), CheckWeights(weights, points.size(0)),
            total / points.size(0) / points.size(1));
    }

    /// <summary>Rows <paramref name="start"/> .. of the centred points, row by row. The span is valid while this set lives.</summary>
    public ReadOnlySpan<float> Rows(int start, int count)
    {
        using var block = Centred.narrow(0, start, count);
        return MemoryMarshal.Cast<byte, float>(block.bytes);
    }

    /// <inheritdoc/>
    public void Dispose() => Centred.Dispose();

    private static float[] Floats(Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.bytes).ToArray();

    /// <summary>Refuses features that are NaN or infinite.</summary>
    public static void RequireFinite(Tensor dense)
    {
        using var scope = NewDisposeScope();
        var bad = dense.isfinite().all(1).logical_not();
        var count = bad.sum().item<long>();
        if (count > 0)
        {
            var first = bad.to(int32).argmax().item<long>();
            throw new UserErrorException(
                $"{count} of {dense.size(0)} images have features that are NaN or infinite (the first is row {first}). " +
                    $"Look at these images and at the encoder's weights; nothing was clustered.");
        }
    }

    private static float[]? CheckWeights(Tensor? weights, long count)
    {
        if (weights is null)
        {
            return null;
        }

        using var scope = NewDisposeScope();
        var values = Floats(weights.to(float32).cpu().contiguous());
        if (values.Length != count || values.Any(w => !(w >= 0 && float.IsFinite(w))) || values.Sum() <= 0)
        {
            throw new ArgumentException($"{count} finite weights of at least 0, not all 0, were expected", nameof(weights));
        }

        return values;
    }
}
