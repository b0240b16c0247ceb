using Ddm.Runs;
using Ddm.Tensors;

namespace Ddm.Training;

/// <summary>
/// Which row the n-th training sample is, as a pure function of (seed, role, n). Each epoch takes every row once: its shards in a shuffled
/// order, cut into windows of a few shards that are read together, and the rows of a window shuffled among themselves.
/// </summary>
public sealed class SampleOrder
{
    private readonly Philox philox;
    private readonly int[] shardRows;
    private readonly int windowShards;
    private Layout layout; // of the epoch asked for last; computed anew, never state

    /// <summary>The order of one role.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="role">The role.</param>
    /// <param name="shardRows">Rows of each shard.</param>
    /// <param name="windowShards">Shards of one window.</param>
    /// <exception cref="ArgumentException">There are no rows at all.</exception>
    public SampleOrder(long seed, Role role, IReadOnlyList<int> shardRows, int windowShards)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(windowShards, 1);
        this.shardRows = [.. shardRows];
        this.windowShards = windowShards;
        Rows = shardRows.Sum(rows => (long)rows);
        if (Rows == 0)
        {
            throw new ArgumentException($"{role} has no rows to train on.", nameof(shardRows));
        }

        philox = Philox.Create(seed, role.StreamKey, RandomStreams.SampleOrder);
        layout = LayOut(0);
    }

    /// <summary>Rows of one epoch.</summary>
    public long Rows { get; }

    /// <summary>The row of a sample.</summary>
    /// <param name="globalSample">Samples drawn before it, since step 0.</param>
    public (int Shard, int Row) this[long globalSample]
    {
        get
        {
            var (epoch, window, offset) = Locate(globalSample);
            var rows = layout.Starts[window.End] - layout.Starts[window.Start];
            var place = layout.Starts[window.Start] + new FeistelPermutation(rows, philox, (ulong)epoch, 1 + (uint)window.Index)[offset];
            var at = Segment(layout.Starts, place);
            return (layout.Shards[at], (int)(place - layout.Starts[at]));
        }
    }

    /// <summary>The shards that the window of a sample is made of.</summary>
    public ReadOnlySpan<int> Window(long globalSample)
    {
        var (_, window, _) = Locate(globalSample);
        return layout.Shards.AsSpan(window.Start, window.End - window.Start);
    }

    private (long Epoch, (int Index, int Start, int End) Window, long Offset) Locate(long globalSample)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(globalSample);
        var (epoch, position) = Math.DivRem(globalSample, Rows);
        if (layout.Epoch != epoch)
        {
            layout = LayOut(epoch);
        }

        var index = Segment(layout.Starts, position) / windowShards;
        var start = index * windowShards;
        return (epoch, (index, start, Math.Min(start + windowShards, layout.Shards.Length)), position - layout.Starts[start]);
    }

    private Layout LayOut(long epoch)
    {
        var permutation = new FeistelPermutation(shardRows.Length, philox, (ulong)epoch);
        var shards = new int[shardRows.Length];
        var starts = new long[shardRows.Length + 1];
        for (var i = 0; i < shards.Length; i++)
        {
            shards[i] = (int)permutation[i];
            starts[i + 1] = starts[i] + shardRows[shards[i]];
        }

        return new Layout(epoch, shards, starts);
    }

    // The last i with starts[i] <= position; shards without rows are passed over.
    private static int Segment(long[] starts, long position)
    {
        var (low, high) = (0, starts.Length - 1);
        while (high - low > 1)
        {
            var middle = (low + high) / 2;
            (low, high) = starts[middle] <= position ? (middle, high) : (low, middle);
        }

        return low;
    }

    /// <summary>An epoch's shards in their order, and the number of rows before each and after the last.</summary>
    private sealed record Layout(long Epoch, int[] Shards, long[] Starts);
}
