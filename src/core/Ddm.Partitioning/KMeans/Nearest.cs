using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Partitioning;

/// <summary>Assigns points to given centroids.</summary>
internal static class Nearest
{
    /// <summary>The nearest centroid of every point, and the sum of the squared distances.</summary>
    /// <param name="points">[N, D] float32, contiguous, on the CPU.</param>
    /// <param name="centroids">[K, D], row by row.</param>
    /// <param name="dimensions">D.</param>
    public static (int[] Assignment, double Inertia) Of(Tensor points, float[] centroids, int dimensions)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var centre = Centre(centroids, dimensions);
        using var nearest = new NearestCentroid(Shift(centroids, centre), dimensions, blockRows: 0);
        var origin = tensor(centre);
        var assignment = new int[points.size(0)];
        var scores = new float[assignment.Length];
        var inertia = 0.0;
        for (var start = 0; start < assignment.Length; start += nearest.BlockRows)
        {
            using var step = NewDisposeScope();
            var count = Math.Min(nearest.BlockRows, assignment.Length - start);
            var block = points.narrow(0, start, count).Minus(origin);
            nearest.Find(block, assignment.AsSpan(start, count), scores.AsSpan(start, count));
            inertia += block.mul(block).sum(ScalarType.Float64).item<double>();
        }

        return (assignment, Math.Max(0, inertia + scores.Sum(score => (double)score)));
    }

    // Distances lose their digits far from the origin: both sides are measured from the centroids' mean.
    private static float[] Centre(float[] centroids, int dimensions)
    {
        var centre = new double[dimensions];
        for (var i = 0; i < centroids.Length; i++)
        {
            centre[i % dimensions] += centroids[i];
        }

        return Array.ConvertAll(centre, sum => (float)(sum * dimensions / centroids.Length));
    }

    private static float[] Shift(float[] centroids, float[] centre)
    {
        var shifted = new float[centroids.Length];
        for (var i = 0; i < shifted.Length; i++)
        {
            shifted[i] = centroids[i] - centre[i % centre.Length];
        }

        return shifted;
    }
}
