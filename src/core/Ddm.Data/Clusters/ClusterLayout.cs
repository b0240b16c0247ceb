using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Ddm.Tensors;

namespace Ddm.Data;

/// <summary>Where every row of a data set goes: decided from assignments and held-out flags before a pixel is moved.</summary>
internal sealed class ClusterLayout
{
    /// <summary>Where a row of a data set shard lands: an output shard and a place in it.</summary>
    public readonly record struct Target(int Output, int At);

    private ClusterLayout(List<ClusterOutput> outputs, Target[][] targets, string assignmentSha256)
    {
        Outputs = outputs;
        Targets = targets;
        AssignmentSha256 = assignmentSha256;
    }

    /// <summary>The shards to write.</summary>
    public List<ClusterOutput> Outputs { get; }

    /// <summary>By data set shard, by row.</summary>
    public Target[][] Targets { get; }

    /// <summary>Hash of all assignments.</summary>
    public string AssignmentSha256 { get; }

    /// <summary>Lays all rows out: training rows of a cluster in an order shuffled over the whole cluster, held-out rows likewise apart.</summary>
    /// <param name="assignments">By data set shard: each row's cluster.</param>
    /// <param name="heldOut">By data set shard: each row's flag.</param>
    /// <param name="clusters">K.</param>
    /// <param name="seed">Keys the shuffle.</param>
    /// <param name="shardRows">Rows of an output shard.</param>
    public static ClusterLayout Create(IReadOnlyList<long[]> assignments, IReadOnlyList<bool[]> heldOut, int clusters, long seed, int shardRows)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var groups = Enumerable.Range(0, 2 * clusters).Select(_ => new List<(int Shard, int Row)>()).ToArray(); // [cluster, held out]
        for (var shard = 0; shard < assignments.Count; shard++)
        {
            hash.AppendData(MemoryMarshal.AsBytes<long>(assignments[shard]));
            for (var row = 0; row < assignments[shard].Length; row++)
            {
                groups[2 * assignments[shard][row] + (heldOut[shard][row] ? 1 : 0)].Add((shard, row));
            }
        }

        var outputs = new List<ClusterOutput>();
        var targets = assignments.Select(shard => new Target[shard.Length]).ToArray();
        for (var group = 0; group < groups.Length; group++)
        {
            Place(groups[group], group / 2, group % 2 == 1, seed, shardRows, outputs, targets);
        }

        return new ClusterLayout(outputs, targets, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    private static void Place(
        List<(int Shard, int Row)> members, int cluster, bool heldOut, long seed, int shardRows, List<ClusterOutput> outputs, Target[][] targets)
    {
        if (members.Count == 0)
        {
            return;
        }

        var first = outputs.Count;
        for (int start = 0, number = 0; start < members.Count; start += shardRows, number++)
        {
            outputs.Add(new ClusterOutput(cluster, heldOut, number, Math.Min(shardRows, members.Count - start)));
        }

        // Epoch 0 orders the training rows, epoch 1 the held-out ones.
        var order = new FeistelPermutation(members.Count, Philox.Create(seed, (uint)cluster, RandomStreams.Shuffle), heldOut ? 1UL : 0UL);
        for (var member = 0; member < members.Count; member++)
        {
            var position = order[member];
            var (shard, row) = members[member];
            targets[shard][row] = new Target(first + (int)(position / shardRows), (int)(position % shardRows));
        }
    }
}

/// <summary>A cluster shard to be written.</summary>
/// <param name="Cluster">k.</param>
/// <param name="HeldOut">Holds held-out rows.</param>
/// <param name="Number">Its number among those of its kind.</param>
/// <param name="Rows">Images in it.</param>
internal sealed record ClusterOutput(int Cluster, bool HeldOut, int Number, int Rows);
