using System.Numerics;
using System.Runtime.Intrinsics;

namespace Ddm.Partitioning;

/// <summary>Centroids laid out for <see cref="TileKernel"/>, 32 to a tile; a group is one tile, or several where there would be more than 64 groups.</summary>
internal sealed class CentroidTiles
{
    private const int MaxGroups = 64; // a point keeps a bound for each group

    private readonly int dimensions;
    private readonly int tilesOfGroup;
    private readonly int[] clusterAt; // [tiles x 32]
    private readonly int[] slotOf; // [K]
    private readonly float[] tiles; // [tiles, D, 32]
    private readonly float[] norms; // [tiles x 32]: |c|^2, infinity where there is no centroid

    /// <param name="order">[K]: see <see cref="CentroidOrder"/>.</param>
    /// <param name="dimensions">D.</param>
    public CentroidTiles(int[] order, int dimensions)
    {
        this.dimensions = dimensions;
        var count = (order.Length + TileKernel.Lanes - 1) / TileKernel.Lanes;
        tilesOfGroup = (count + MaxGroups - 1) / MaxGroups;
        Groups = (count + tilesOfGroup - 1) / tilesOfGroup;
        clusterAt = new int[count * TileKernel.Lanes];
        slotOf = new int[order.Length];
        tiles = new float[count * TileKernel.Lanes * dimensions];
        norms = new float[clusterAt.Length];
        Array.Fill(norms, float.PositiveInfinity);
        for (var slot = 0; slot < order.Length; slot++)
        {
            (clusterAt[slot], slotOf[order[slot]]) = (order[slot], slot);
        }
    }

    /// <summary>How many groups there are.</summary>
    public int Groups { get; }

    /// <summary>The group of a centroid.</summary>
    public int GroupOf(int cluster) => slotOf[cluster] / TileKernel.Lanes / tilesOfGroup;

    /// <summary>Places a centroid.</summary>
    public void Set(int cluster, ReadOnlySpan<float> centroid)
    {
        var (tile, lane) = Math.DivRem(slotOf[cluster], TileKernel.Lanes);
        var column = tiles.AsSpan((tile * TileKernel.Lanes * dimensions) + lane);
        var norm = 0.0;
        for (var d = 0; d < dimensions; d++)
        {
            column[d * TileKernel.Lanes] = centroid[d];
            norm += (double)centroid[d] * centroid[d];
        }

        norms[slotOf[cluster]] = (float)norm;
    }

    /// <summary>The largest |c|^2.</summary>
    public float LargestNorm() => norms.Where(float.IsFinite).Max();

    /// <summary>The best centroid of one group for each of eight points.</summary>
    /// <param name="points">Holds the points.</param>
    /// <param name="starts">[8]: where each begins.</param>
    /// <param name="group">Which group.</param>
    /// <param name="found">[8]: receives the answers.</param>
    public void Find(ReadOnlySpan<float> points, ReadOnlySpan<int> starts, int group, Span<Candidate> found)
    {
        Span<float> products = stackalloc float[TileKernel.Rows * TileKernel.Lanes];
        found[..TileKernel.Rows].Fill(Candidate.None);
        var end = Math.Min((group + 1) * tilesOfGroup, norms.Length / TileKernel.Lanes);
        for (var tile = group * tilesOfGroup; tile < end; tile++)
        {
            TileKernel.Multiply(points, starts, tiles.AsSpan(tile * TileKernel.Lanes * dimensions, TileKernel.Lanes * dimensions), products);
            for (var row = 0; row < TileKernel.Rows; row++)
            {
                found[row] = found[row].Join(Best(products.Slice(row * TileKernel.Lanes, TileKernel.Lanes), tile * TileKernel.Lanes));
            }
        }
    }

    private Candidate Best(ReadOnlySpan<float> products, int slot)
    {
        var own = norms.AsSpan(slot, TileKernel.Lanes);
        var a = Score(own, products, 0);
        var b = Score(own, products, 8);
        var c = Score(own, products, 16);
        var d = Score(own, products, 24);
        var least = Least(a, b, c, d);
        var at = Vector256.Create(least);
        var (isA, isB, isC, isD) = (Vector256.Equals(a, at), Vector256.Equals(b, at), Vector256.Equals(c, at), Vector256.Equals(d, at));
        var hits = isA.ExtractMostSignificantBits() | (isB.ExtractMostSignificantBits() << 8)
            | (isC.ExtractMostSignificantBits() << 16) | (isD.ExtractMostSignificantBits() << 24);
        var cluster = clusterAt[slot + BitOperations.TrailingZeroCount(hits)];
        if ((hits & (hits - 1)) != 0)
        {
            return new Candidate(least, cluster, least);
        }

        var none = Vector256.Create(float.PositiveInfinity);
        var next = Least(
            Vector256.ConditionalSelect(isA, none, a), Vector256.ConditionalSelect(isB, none, b),
            Vector256.ConditionalSelect(isC, none, c), Vector256.ConditionalSelect(isD, none, d));
        return new Candidate(least, cluster, next);
    }

    private static Vector256<float> Score(ReadOnlySpan<float> norms, ReadOnlySpan<float> products, int lane)
    {
        var product = Vector256.Create(products[lane..]);
        return Vector256.Create(norms[lane..]) - (product + product);
    }

    private static float Least(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d)
    {
        var eight = Vector256.Min(Vector256.Min(a, b), Vector256.Min(c, d));
        var four = Vector128.Min(eight.GetLower(), eight.GetUpper());
        var two = Vector128.Min(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return Math.Min(two[0], two[1]);
    }
}
