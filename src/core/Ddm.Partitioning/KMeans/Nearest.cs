using static TorchSharp.torch;

namespace Ddm.Partitioning;

/// <summary>Assigns points to given centroids.</summary>
internal static class Nearest
{
    private const int BlockRows = 256;

    /// <summary>The nearest centroid of every point, and the sum of the squared distances. A point's answer does not depend on the others.</summary>
    /// <param name="points">[N, D] float32, contiguous, on the CPU.</param>
    /// <param name="centroids">[K, D], row by row.</param>
    /// <param name="dimensions">D.</param>
    public static (int[] Assignment, double Inertia) Of(Tensor points, float[] centroids, int dimensions)
    {
        // Distances lose their digits far from the origin: both sides are measured from the centroids' mean.
        var centre = Mean(centroids, dimensions);
        var tiles = Tiles(centroids, centre);
        var rows = new TensorRows(points);
        var assignment = new int[rows.Count];
        var distances = new float[rows.Count];
        var blocks = (rows.Count + BlockRows - 1) / BlockRows;
        Parallel.For(0, blocks, new ParallelOptions { MaxDegreeOfParallelism = get_num_threads() }, block =>
        {
            var start = block * BlockRows;
            var count = Math.Min(BlockRows, rows.Count - start);
            Find(rows.Slice(start, count), centroids, centre, tiles, assignment.AsSpan(start, count), distances.AsSpan(start, count));
        });
        GC.KeepAlive(points);
        return (assignment, distances.Sum(distance => (double)distance));
    }

    private static void Find(
        ReadOnlySpan<float> points, float[] centroids, float[] centre, CentroidTiles tiles, Span<int> assignment, Span<float> distances)
    {
        var dimensions = centre.Length;
        var centred = new float[points.Length];
        for (var i = 0; i < assignment.Length; i++)
        {
            Vectors.Subtract(points.Slice(i * dimensions, dimensions), centre, centred.AsSpan(i * dimensions, dimensions));
        }

        Span<int> starts = stackalloc int[TileKernel.Rows];
        Span<Candidate> found = stackalloc Candidate[TileKernel.Rows];
        Span<Candidate> best = stackalloc Candidate[TileKernel.Rows];
        for (var at = 0; at < assignment.Length; at += TileKernel.Rows)
        {
            best.Fill(Candidate.None);
            for (var row = 0; row < TileKernel.Rows; row++)
            {
                starts[row] = Math.Min(at + row, assignment.Length - 1) * dimensions;
            }

            for (var group = 0; group < tiles.Groups; group++)
            {
                tiles.Find(centred, starts, group, found);
                for (var row = 0; row < TileKernel.Rows; row++)
                {
                    best[row] = best[row].Join(found[row]);
                }
            }

            for (var i = at; i < Math.Min(at + TileKernel.Rows, assignment.Length); i++)
            {
                assignment[i] = best[i - at].Cluster;
                distances[i] = Vectors.SquaredDistance(points.Slice(i * dimensions, dimensions), centroids.AsSpan(assignment[i] * dimensions, dimensions));
            }
        }
    }

    private static CentroidTiles Tiles(float[] centroids, float[] centre)
    {
        var tiles = new CentroidTiles([.. Enumerable.Range(0, centroids.Length / centre.Length)], centre.Length);
        var shifted = new float[centre.Length];
        for (var k = 0; k < centroids.Length / centre.Length; k++)
        {
            Vectors.Subtract(centroids.AsSpan(k * centre.Length, centre.Length), centre, shifted);
            tiles.Set(k, shifted);
        }

        return tiles;
    }

    private static float[] Mean(float[] centroids, int dimensions)
    {
        var sums = new double[dimensions];
        for (var at = 0; at < centroids.Length; at += dimensions)
        {
            Vectors.AddTo(sums, centroids.AsSpan(at, dimensions), 1);
        }

        return Array.ConvertAll(sums, sum => (float)(sum * dimensions / centroids.Length));
    }
}
