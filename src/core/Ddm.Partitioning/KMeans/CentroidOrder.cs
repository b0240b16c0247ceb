namespace Ddm.Partitioning;

/// <summary>
/// An order of the centroids in which near ones stand together, so that the 32 of a tile have much the same distance to a point. By halving: sorted along
/// the line through two that lie far apart, cut at a whole tile.
/// </summary>
internal static class CentroidOrder
{
    /// <summary>Finds the order.</summary>
    /// <param name="centroids">[K, D], row by row.</param>
    /// <param name="dimensions">D.</param>
    /// <returns>[K]: centroids' indices; ascending within each tile, so that of equals the lower index is met first.</returns>
    public static int[] Of(float[] centroids, int dimensions)
    {
        var order = Enumerable.Range(0, centroids.Length / dimensions).ToArray();
        Halve(centroids, dimensions, order);
        for (var start = 0; start < order.Length; start += TileKernel.Lanes)
        {
            Array.Sort(order, start, Math.Min(TileKernel.Lanes, order.Length - start));
        }

        return order;
    }

    private static void Halve(float[] centroids, int dimensions, Span<int> order)
    {
        if (order.Length <= TileKernel.Lanes)
        {
            return;
        }

        var first = Farthest(centroids, dimensions, order, order[0]);
        var second = Farthest(centroids, dimensions, order, first);
        var line = new float[dimensions];
        for (var d = 0; d < dimensions; d++)
        {
            line[d] = centroids[(second * dimensions) + d] - centroids[(first * dimensions) + d];
        }

        var along = new float[order.Length];
        for (var i = 0; i < order.Length; i++)
        {
            along[i] = Vectors.Product(centroids.AsSpan(order[i] * dimensions, dimensions), line);
        }

        along.AsSpan().Sort(order);
        var tiles = (order.Length + TileKernel.Lanes - 1) / TileKernel.Lanes;
        var cut = tiles / 2 * TileKernel.Lanes;
        Halve(centroids, dimensions, order[..cut]);
        Halve(centroids, dimensions, order[cut..]);
    }

    private static int Farthest(float[] centroids, int dimensions, ReadOnlySpan<int> among, int from)
    {
        var (farthest, distance) = (from, -1.0);
        foreach (var k in among)
        {
            var squared = Vectors.SquaredDistance(centroids.AsSpan(k * dimensions, dimensions), centroids.AsSpan(from * dimensions, dimensions));
            if (squared > distance)
            {
                (farthest, distance) = (k, squared);
            }
        }

        return farthest;
    }
}
