using System.Runtime.InteropServices;
using Ddm.Runs;
using static TorchSharp.torch;

namespace Ddm.Partitioning;

/// <summary>
/// Checked points and their mean. Whoever measures distances takes the mean away first, a few points at a time: |x|^2 - 2 x.c + |c|^2 would lose
/// its digits far from the origin, and a second copy of all points would double the memory.
/// </summary>
internal sealed class PointSet : IDisposable
{
    private readonly Tensor points; // [N, D] float32, contiguous, on the CPU
    private readonly TensorRows rows;

    private PointSet(Tensor points, float[] mean, float[]? weights)
    {
        this.points = points;
        Mean = mean;
        Weights = weights;
        Count = (int)points.size(0);
        Dimensions = mean.Length;
        rows = new TensorRows(points);
        SquaredNorms = new float[Count];
        var total = 0.0;
        var centred = new float[Dimensions];
        for (var row = 0; row < Count; row++)
        {
            Centre(rows[row], centred);
            total += SquaredNorms[row] = Vectors.Product(centred, centred);
        }

        MeanVariance = total / Count / Dimensions;
    }

    /// <summary>[D]: the mean of the points, or of those they were taken from.</summary>
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

    /// <summary>Checks points. They are not copied where they are float32, contiguous and on the CPU.</summary>
    /// <exception cref="UserErrorException">No points, or numbers that are not finite or too large to square.</exception>
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
        return new PointSet(dense.alias().DetachFromDisposeScope(), MeanOf(dense), CheckWeights(weights, points.size(0)));
    }

    /// <summary>Some of the points, as a set of their own about the same origin.</summary>
    public PointSet Take(int[] rows)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var taken = points.index_select(0, tensor(Array.ConvertAll(rows, row => (long)row)));
        return new PointSet(taken.DetachFromDisposeScope(), Mean, Weights is null ? null : Array.ConvertAll(rows, row => Weights[row]));
    }

    /// <summary>Rows <paramref name="start"/> .. as they came, row by row. The span is valid while this set lives.</summary>
    public ReadOnlySpan<float> Rows(int start, int count) => rows.Slice(start, count);

    /// <summary>Takes the mean from a point.</summary>
    public void Centre(ReadOnlySpan<float> point, Span<float> centred) => Vectors.Subtract(point, Mean, centred);

    /// <summary>[N, D]: all points centred; a copy.</summary>
    public Tensor Centred()
    {
        var centred = empty([Count, Dimensions]);
        var target = MemoryMarshal.Cast<byte, float>(centred.bytes);
        for (var row = 0; row < Count; row++)
        {
            Centre(rows[row], target.Slice(row * Dimensions, Dimensions));
        }

        return centred;
    }

    /// <inheritdoc/>
    public void Dispose() => points.Dispose();

    /// <summary>Refuses features that are NaN, infinite, or so large that their squared length is.</summary>
    /// <param name="dense">[N, D] float32, contiguous, on the CPU.</param>
    public static void RequireFinite(Tensor dense)
    {
        var (bad, first) = (0, -1);
        var rows = new TensorRows(dense);
        for (var row = 0; row < rows.Count; row++)
        {
            if (!Vectors.AllFinite(rows[row]) || !float.IsFinite(4 * Vectors.Product(rows[row], rows[row])))
            {
                bad++;
                first = first < 0 ? row : first;
            }
        }

        if (bad > 0)
        {
            throw new UserErrorException(
                $"{bad} of {dense.size(0)} images have features that are NaN or infinite (the first is row {first}). " +
                    $"Look at these images and at the encoder's weights; nothing was clustered.");
        }
    }

    private static float[] MeanOf(Tensor dense)
    {
        var sums = new double[dense.size(1)];
        var rows = new TensorRows(dense);
        for (var row = 0; row < rows.Count; row++)
        {
            Vectors.AddTo(sums, rows[row], 1);
        }

        return Array.ConvertAll(sums, sum => (float)(sum / dense.size(0)));
    }

    private static float[]? CheckWeights(Tensor? weights, long count)
    {
        if (weights is null)
        {
            return null;
        }

        using var scope = NewDisposeScope();
        var values = MemoryMarshal.Cast<byte, float>(weights.to(float32).cpu().contiguous().bytes).ToArray();
        if (values.Length != count || values.Any(w => !(w >= 0 && float.IsFinite(w))) || values.Sum() <= 0)
        {
            throw new ArgumentException($"{count} finite weights of at least 0, not all 0, were expected", nameof(weights));
        }

        return values;
    }
}
