using Ddm.Tensors;

namespace Ddm.Partitioning;

/// <summary>Rows drawn without replacement.</summary>
internal static class RowSample
{
    /// <summary>The row of the generator's counter that seeding draws at; samples draw at <see cref="SampleRow"/>.</summary>
    public const uint SeedingRow = 0;

    private const uint SampleRow = 1;

    /// <summary><paramref name="count"/> of the numbers below <paramref name="total"/>, ascending, each set of rows as likely as any other.</summary>
    public static int[] Draw(int total, int count, Philox philox)
    {
        // Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S.
        var rows = new int[count];
        for (int row = 0, taken = 0; taken < count; row++)
        {
            if ((total - row) * philox.Uniform((ulong)row, SampleRow) < count - taken)
            {
                rows[taken++] = row;
            }
        }

        return rows;
    }
}
