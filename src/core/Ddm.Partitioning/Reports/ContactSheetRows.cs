using Ddm.Tensors;

namespace Ddm.Partitioning;

/// <summary>Which rows a contact sheet shows.</summary>
public static class ContactSheetRows
{
    /// <summary>Random rows of each cluster, ascending: a fair picture of it, not its best ones.</summary>
    /// <param name="assignment">[N]: the cluster of each row.</param>
    /// <param name="clusters">K.</param>
    /// <param name="perCluster">Rows of a cluster at most.</param>
    /// <param name="seed">Decides which.</param>
    /// <returns>[K][rows]: indices into <paramref name="assignment"/>.</returns>
    public static int[][] Pick(IReadOnlyList<int> assignment, int clusters, int perCluster, long seed)
    {
        var members = Enumerable.Range(0, clusters).Select(_ => new List<int>()).ToArray();
        for (var i = 0; i < assignment.Count; i++)
        {
            members[assignment[i]].Add(i);
        }

        return [.. members.Select((rows, k) => Draw(rows, perCluster, Philox.Create(seed, 2 + (uint)k, RandomStreams.Sampling)))];
    }

    private static int[] Draw(List<int> rows, int count, Philox philox)
        => Array.ConvertAll(RowSample.Draw(rows.Count, Math.Min(count, rows.Count), philox), at => rows[at]);
}
