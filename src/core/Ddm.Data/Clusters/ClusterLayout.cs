using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Ddm.Tensors;

namespace Ddm.Data;

/// <summary>
/// Where every row of a data set goes: decided from assignments and held-out flags before a pixel is moved. Costs 4 bytes a row: a row's slot is
/// its output shard's number times the rows of a shard, plus its place in it.
/// </summary>
internal sealed class ClusterLayout
{
    private readonly uint[] slots;
    private readonly int[] starts;
    private readonly int shardRows;

    private ClusterLayout(List<ClusterOutput> outputs, uint[] slots, int[] starts, int shardRows, string assignmentSha256)
    {
        (Outputs, this.slots, this.starts, this.shardRows, AssignmentSha256) = (outputs, slots, starts, shardRows, assignmentSha256);
    }

    /// <summary>The shards to write.</summary>
    public List<ClusterOutput> Outputs { get; }

    /// <summary>Hash of all assignments.</summary>
    public string AssignmentSha256 { get; }

    /// <summary>Rows of a data set shard.</summary>
    public int RowsOf(int shard) => starts[shard + 1] - starts[shard];

    /// <summary>Where a row of a data set shard lands: an output shard and a place in it.</summary>
    public (int Output, int At) TargetOf(int shard, int row)
    {
        var slot = slots[starts[shard] + row];
        return ((int)(slot / (uint)shardRows), (int)(slot % (uint)shardRows));
    }

    /// <summary>Takes the data set's shards in order, then lays all rows out.</summary>
    /// <param name="shards">Rows of each data set shard.</param>
    /// <param name="clusters">K.</param>
    public sealed class Builder(IReadOnlyList<int> shards, int clusters) : IDisposable
    {
        private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private readonly uint[] groups = new uint[shards.Sum(rows => (long)rows)]; // [cluster, held out], later slots
        private readonly long[] members = new long[2 * clusters];
        private int filled;

        /// <summary>Adds the next shard.</summary>
        /// <param name="assignment">Each row's cluster.</param>
        /// <param name="heldOut">Each row's flag.</param>
        public void Add(long[] assignment, bool[] heldOut)
        {
            hash.AppendData(MemoryMarshal.AsBytes<long>(assignment));
            for (var row = 0; row < assignment.Length; row++)
            {
                var group = 2 * assignment[row] + (heldOut[row] ? 1 : 0);
                members[group]++;
                groups[filled++] = (uint)group;
            }
        }

        /// <summary>Training rows of a cluster in an order shuffled over the whole cluster, held-out rows likewise apart.</summary>
        /// <param name="seed">Keys the shuffle.</param>
        /// <param name="shardRows">Rows of an output shard.</param>
        public ClusterLayout Build(long seed, int shardRows)
        {
            var outputs = new List<ClusterOutput>();
            var places = new Placing?[members.Length];
            for (var group = 0; group < members.Length; group++)
            {
                if (members[group] > 0)
                {
                    places[group] = Place(group, members[group], seed, shardRows, outputs);
                }
            }

            if ((long)outputs.Count * shardRows > uint.MaxValue)
            {
                throw new NotSupportedException($"{groups.Length} rows in {outputs.Count} shards of {shardRows} are more than a layout numbers; take fewer rows a shard.");
            }

            for (var row = 0; row < groups.Length; row++)
            {
                groups[row] = places[groups[row]]!.Next();
            }

            var starts = new int[shards.Count + 1];
            for (var shard = 0; shard < shards.Count; shard++)
            {
                starts[shard + 1] = starts[shard] + shards[shard];
            }

            return new ClusterLayout(outputs, groups, starts, shardRows, Convert.ToHexStringLower(hash.GetHashAndReset()));
        }

        public void Dispose() => hash.Dispose();

        private static Placing Place(int group, long count, long seed, int shardRows, List<ClusterOutput> outputs)
        {
            var (cluster, heldOut, first) = (group / 2, group % 2 == 1, (long)outputs.Count);
            for (var number = 0; number * (long)shardRows < count; number++)
            {
                outputs.Add(new ClusterOutput(cluster, heldOut, number, (int)Math.Min(shardRows, count - (number * (long)shardRows))));
            }

            // Epoch 0 orders the training rows, epoch 1 the held-out ones.
            var order = new FeistelPermutation(count, Philox.Create(seed, (uint)cluster, RandomStreams.Shuffle), heldOut ? 1UL : 0UL);
            return new Placing(order, first * shardRows);
        }
    }

    // Slots of one group, member after member.
    private sealed class Placing(FeistelPermutation order, long firstSlot)
    {
        private long member;

        public uint Next() => (uint)(firstSlot + order[member++]);
    }
}

/// <summary>A cluster shard to be written.</summary>
/// <param name="Cluster">k.</param>
/// <param name="HeldOut">Holds held-out rows.</param>
/// <param name="Number">Its number among those of its kind.</param>
/// <param name="Rows">Images in it.</param>
internal sealed record ClusterOutput(int Cluster, bool HeldOut, int Number, int Rows);
