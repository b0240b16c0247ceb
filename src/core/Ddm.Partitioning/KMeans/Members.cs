namespace Ddm.Partitioning;

/// <summary>The points of each cluster, ascending.</summary>
internal sealed class Members
{
    private readonly int[] rows; // by cluster
    private readonly int[] starts; // [K + 1]
    private readonly int[] next; // [K]

    /// <param name="points">N.</param>
    /// <param name="clusters">K.</param>
    public Members(int points, int clusters) => (rows, starts, next) = (new int[points], new int[clusters + 1], new int[clusters]);

    /// <summary>Sorts the points by cluster, in the memory of the last time.</summary>
    /// <param name="assignment">[N]: each point's cluster.</param>
    public void Sort(ReadOnlySpan<int> assignment)
    {
        Array.Clear(starts);
        foreach (var k in assignment)
        {
            starts[k + 1]++;
        }

        for (var k = 0; k < next.Length; k++)
        {
            next[k] = starts[k];
            starts[k + 1] += starts[k];
        }

        for (var i = 0; i < assignment.Length; i++)
        {
            rows[next[assignment[i]]++] = i;
        }
    }

    /// <summary>The points of one cluster.</summary>
    public ReadOnlySpan<int> Rows(int cluster) => rows.AsSpan(starts[cluster]..starts[cluster + 1]);
}
