namespace Ddm.Partitioning;

/// <summary>The points of each cluster, ascending.</summary>
internal sealed class Members
{
    private readonly int[] rows; // by cluster
    private readonly int[] starts; // [K + 1]

    private Members(int[] rows, int[] starts)
    {
        this.rows = rows;
        this.starts = starts;
    }

    /// <summary>Sorts points by cluster.</summary>
    public static Members Of(ReadOnlySpan<int> assignment, int clusters)
    {
        var starts = new int[clusters + 1];
        foreach (var k in assignment)
        {
            starts[k + 1]++;
        }

        for (var k = 0; k < clusters; k++)
        {
            starts[k + 1] += starts[k];
        }

        var (rows, next) = (new int[assignment.Length], starts.ToArray());
        for (var i = 0; i < assignment.Length; i++)
        {
            rows[next[assignment[i]]++] = i;
        }

        return new Members(rows, starts);
    }

    /// <summary>The points of one cluster.</summary>
    public ReadOnlySpan<int> Rows(int cluster) => rows.AsSpan(starts[cluster]..starts[cluster + 1]);
}
