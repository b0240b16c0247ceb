using System.Numerics;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Ddm.Partitioning;

/// <summary>Nearest centroids by one matrix product a block: argmin over c of |c|^2 - 2 x.c. Ties go to the lower index.</summary>
internal sealed class NearestCentroid : IDisposable
{
    private const int BlockFloats = 1 << 20; // 4 MB of products: still in the cache when the minimum is looked for

    private readonly Tensor transposed; // [D, K]
    private readonly float[] squaredNorms; // [K]
    private readonly int blockRows;

    /// <param name="centroids">[K, D], row by row.</param>
    /// <param name="dimensions">D.</param>
    /// <param name="blockRows">Points at once; 0: a cache-sized block.</param>
    public NearestCentroid(float[] centroids, int dimensions, int blockRows)
    {
        Clusters = centroids.Length / dimensions;
        using var scope = NewDisposeScope();
        var rows = tensor(centroids, [Clusters, dimensions]);
        transposed = rows.t().DetachFromDisposeScope();
        squaredNorms = new float[Clusters];
        for (var k = 0; k < Clusters; k++)
        {
            squaredNorms[k] = SquaredNorm(centroids.AsSpan(k * dimensions, dimensions));
        }

        this.blockRows = blockRows > 0 ? blockRows : Math.Clamp(BlockFloats / Clusters, 64, 16384);
    }

    /// <summary>K.</summary>
    public int Clusters { get; }

    /// <summary>Points handled at once.</summary>
    public int BlockRows => blockRows;

    /// <summary>Finds the nearest centroid of each point of one block.</summary>
    /// <param name="points">[n, D] float32, contiguous.</param>
    /// <param name="nearest">[n]: receives the centroids' indices.</param>
    /// <param name="scores">[n]: receives |c|^2 - 2 x.c; adding |x|^2 gives the squared distance.</param>
    public void Find(Tensor points, Span<int> nearest, Span<float> scores)
    {
        using var products = mm(points, transposed);
        var rows = MemoryMarshal.Cast<byte, float>(products.bytes);
        for (var i = 0; i < nearest.Length; i++)
        {
            nearest[i] = ArgMin(rows.Slice(i * Clusters, Clusters), out scores[i]);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => transposed.Dispose();

    private static float SquaredNorm(ReadOnlySpan<float> vector)
    {
        var sum = 0.0;
        foreach (var value in vector)
        {
            sum += (double)value * value;
        }

        return (float)sum;
    }

    private int ArgMin(ReadOnlySpan<float> products, out float score)
    {
        var width = Vector<float>.Count;
        var bestScores = new Vector<float>(float.PositiveInfinity);
        var bestIndices = Vector<int>.Zero;
        var indices = Vector<int>.Indices;
        var at = 0;
        for (; at <= products.Length - width; at += width)
        {
            var values = new Vector<float>(squaredNorms, at) - 2f * new Vector<float>(products[at..]);
            var less = Vector.LessThan(values, bestScores);
            bestScores = Vector.ConditionalSelect(less, values, bestScores);
            bestIndices = Vector.ConditionalSelect(less, indices, bestIndices);
            indices += new Vector<int>(width);
        }

        var best = 0;
        score = float.PositiveInfinity;
        for (var lane = 0; lane < width; lane++)
        {
            if (bestScores[lane] < score || (bestScores[lane] == score && bestIndices[lane] < best))
            {
                (score, best) = (bestScores[lane], bestIndices[lane]);
            }
        }

        for (; at < products.Length; at++)
        {
            var value = squaredNorms[at] - 2f * products[at];
            if (value < score)
            {
                (score, best) = (value, at);
            }
        }

        return best;
    }
}
