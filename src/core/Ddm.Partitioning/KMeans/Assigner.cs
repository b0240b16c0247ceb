using System.Collections.Concurrent;
using System.Numerics;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace Ddm.Partitioning;

/// <summary>
/// The assignment step of Lloyd's iteration, without the distances that cannot matter: each point keeps a lower bound of its distance to every group of
/// centroids (Ding et al. 2015, "Yinyang k-means"), which shrinks by the farthest move in the group; a group is looked at only where its bound falls below the
/// distance to the point's own centroid. The assignment is that of looking at all of them, up to the rounding of float32.
/// </summary>
internal sealed class Assigner
{
    private const int BufferFloats = 1 << 17; // 512 KB of points: half of a core's second-level cache

    private readonly ConcurrentBag<Workspace> idle = []; // what threads work with, from one pass to the next
    private readonly PointSet set;
    private readonly int dimensions;
    private readonly float[] centroids; // [K, D]
    private readonly CentroidTiles tiles;
    private readonly int groups; // rounded up to a multiple of 8
    private readonly float[] bounds; // [N, groups]: at most the distance to the nearest centroid of the group, the own left aside
    private readonly float[] drifts; // [K]: how far each centroid has moved since the last assignment
    private readonly float[] groupDrifts; // [groups]
    private readonly bool[] changed; // [K]
    private readonly float rounding; // share of |x|^2 + |c|^2 that a squared distance is sure to
    private float largestNorm;

    /// <param name="set">The points.</param>
    /// <param name="centroids">[K, D] centred like the points; read at every assignment.</param>
    public Assigner(PointSet set, float[] centroids)
    {
        this.set = set;
        this.centroids = centroids;
        dimensions = set.Dimensions;
        var clusters = centroids.Length / dimensions;
        tiles = new CentroidTiles(CentroidOrder.Of(centroids, dimensions), dimensions);
        groups = (tiles.Groups + 7) / 8 * 8;
        bounds = new float[(long)set.Count * groups];
        drifts = new float[clusters];
        groupDrifts = new float[groups];
        changed = new bool[clusters];
        rounding = 1.2e-7f * MathF.Sqrt(dimensions);
        Assignment = new int[set.Count];
        Distances = new float[set.Count];
        Array.Fill(Assignment, -1);
        Array.Fill(Distances, float.PositiveInfinity);
        for (var k = 0; k < clusters; k++)
        {
            tiles.Set(k, Centroid(k));
        }
    }

    /// <summary>[N]: the nearest centroid.</summary>
    public int[] Assignment { get; }

    /// <summary>[N]: squared distance to it.</summary>
    public float[] Distances { get; }

    /// <summary>[K]: whether points came or went since <see cref="Moved"/> was last called for the cluster.</summary>
    public ReadOnlySpan<bool> Changed => changed;

    /// <summary>Says that a centroid has been replaced by the mean of its points.</summary>
    /// <param name="cluster">Which.</param>
    /// <param name="distance">How far it moved.</param>
    public void Moved(int cluster, double distance)
    {
        changed[cluster] = false;
        drifts[cluster] = distance > 0 ? MathF.BitIncrement((float)distance) : 0f;
        tiles.Set(cluster, Centroid(cluster));
    }

    /// <summary>Gives a point to a cluster whose centroid is to be there.</summary>
    public void Give(int point, int cluster)
    {
        changed[Assignment[point]] = changed[cluster] = true;
        (Assignment[point], Distances[point]) = (cluster, 0f);
        bounds.AsSpan().Slice(point * groups, groups).Clear();
    }

    /// <summary>Assigns every point to its nearest centroid.</summary>
    public void Assign()
    {
        Array.Clear(groupDrifts);
        for (var k = 0; k < drifts.Length; k++)
        {
            ref var farthest = ref groupDrifts[tiles.GroupOf(k)];
            farthest = Math.Max(farthest, drifts[k]);
        }

        largestNorm = tiles.LargestNorm();
        var rows = Math.Clamp(BufferFloats / dimensions / TileKernel.Rows * TileKernel.Rows, TileKernel.Rows, 512);
        var chunks = (set.Count + rows - 1) / rows;
        Parallel.For(
            0, chunks, new ParallelOptions { MaxDegreeOfParallelism = get_num_threads() }, () => idle.TryTake(out var workspace) ? workspace : new Workspace(rows, groups, dimensions),
            (chunk, _, workspace) =>
            {
                AssignChunk(chunk * rows, Math.Min(rows, set.Count - (chunk * rows)), workspace);
                return workspace;
            },
            idle.Add);
        Array.Clear(drifts);
    }

    private ReadOnlySpan<float> Centroid(int cluster) => centroids.AsSpan(cluster * dimensions, dimensions);

    private void AssignChunk(int start, int count, Workspace work)
    {
        work.Reset();
        var points = set.Rows(start, count);
        for (var i = 0; i < count; i++)
        {
            Select(start + i, i, points.Slice(i * dimensions, dimensions), work);
        }

        for (var group = 0; group < tiles.Groups; group++)
        {
            Look(start, group, work);
        }

        foreach (var i in work.Looked)
        {
            Settle(start + i, i, work);
        }
    }

    // Which groups may hold a nearer centroid.
    private void Select(int point, int i, ReadOnlySpan<float> row, Workspace work)
    {
        var own = Assignment[point];
        var centred = work.Row(i);
        if (own >= 0 && drifts[own] > 0)
        {
            set.Centre(row, centred);
            Distances[point] = Vectors.SquaredDistance(centred, Centroid(own));
        }

        var near = MathF.Sqrt(Distances[point]);
        var any = false;
        for (var group = 0; group < tiles.Groups; group += 8)
        {
            var bound = bounds.AsSpan().Slice((point * groups) + group, 8);
            var lowered = Vector256.Create<float>(bound) - Vector256.Create(groupDrifts, group);
            lowered.CopyTo(bound);
            var below = Vector256.LessThan(lowered, Vector256.Create(near)).ExtractMostSignificantBits();
            for (; below != 0; below &= below - 1)
            {
                var which = group + BitOperations.TrailingZeroCount(below);
                if (which < tiles.Groups)
                {
                    work.Ask(which, i);
                    any = true;
                }
            }
        }

        if (any)
        {
            set.Centre(row, centred);
            work.Looked.Add(i);
        }
    }

    private void Look(int start, int group, Workspace work)
    {
        var asked = work.Asked(group);
        Span<int> starts = stackalloc int[TileKernel.Rows];
        Span<Candidate> found = stackalloc Candidate[TileKernel.Rows];
        for (var at = 0; at < asked.Length; at += TileKernel.Rows)
        {
            for (var row = 0; row < TileKernel.Rows; row++)
            {
                starts[row] = asked[Math.Min(at + row, asked.Length - 1)] * dimensions;
            }

            tiles.Find(work.Points, starts, group, found);
            for (var row = 0; row < Math.Min(TileKernel.Rows, asked.Length - at); row++)
            {
                var (i, candidate) = (asked[at + row], found[row]);
                var point = start + i;
                var isOwn = candidate.Cluster == Assignment[point];
                bounds[((long)point * groups) + group] = Bound(point, isOwn ? candidate.Next : candidate.Score);
                if (!isOwn)
                {
                    work.Offer(i, candidate);
                }
            }
        }
    }

    // A point moves for a gain above rounding only: two centroids at the same distance would else take it in turn for ever.
    private void Settle(int point, int i, Workspace work)
    {
        var best = work.Best(i);
        var norm = set.SquaredNorms[point];
        var own = Assignment[point];
        if (best.Cluster == int.MaxValue || !(best.Score + norm < Distances[point] - (own < 0 ? 0 : rounding * (norm + largestNorm))))
        {
            return;
        }

        var ofBest = ((long)point * groups) + tiles.GroupOf(best.Cluster);
        bounds[ofBest] = Bound(point, best.Next);
        if (own >= 0)
        {
            ref var ofOwn = ref bounds[((long)point * groups) + tiles.GroupOf(own)];
            ofOwn = Math.Min(ofOwn, MathF.Sqrt(Distances[point]));
            changed[own] = true;
        }

        changed[best.Cluster] = true;
        Assignment[point] = best.Cluster;
        Distances[point] = Vectors.SquaredDistance(work.Row(i), Centroid(best.Cluster));
    }

    private float Bound(int point, float score)
    {
        var norm = set.SquaredNorms[point];
        return MathF.Sqrt(Math.Max(0f, score + norm - (2 * rounding * (norm + largestNorm))));
    }

    /// <summary>What one thread needs for a chunk of points.</summary>
    private sealed class Workspace(int rows, int groups, int dimensions)
    {
        private readonly float[] points = new float[rows * dimensions];
        private readonly int[] asked = new int[groups * rows];
        private readonly int[] counts = new int[groups];
        private readonly Candidate[] best = new Candidate[rows];

        public List<int> Looked { get; } = [];

        public ReadOnlySpan<float> Points => points;

        public void Reset()
        {
            Array.Clear(counts);
            Array.Fill(best, Candidate.None);
            Looked.Clear();
        }

        public Span<float> Row(int i) => points.AsSpan(i * dimensions, dimensions);

        public void Ask(int group, int i) => asked[(group * rows) + counts[group]++] = i;

        public ReadOnlySpan<int> Asked(int group) => asked.AsSpan(group * rows, counts[group]);

        public void Offer(int i, Candidate candidate)
        {
            if ((candidate.Score, candidate.Cluster).CompareTo((best[i].Score, best[i].Cluster)) < 0)
            {
                best[i] = candidate;
            }
        }

        public Candidate Best(int i) => best[i];
    }
}
