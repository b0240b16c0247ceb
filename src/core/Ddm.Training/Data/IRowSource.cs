namespace Ddm.Training;

/// <summary>The rows a role is trained or measured on.</summary>
internal interface IRowSource
{
    /// <summary>Rows of each shard.</summary>
    IReadOnlyList<int> ShardRows { get; }

    /// <summary>Makes the rows of these shards readable; others may be forgotten. Blocks.</summary>
    void Load(IReadOnlyCollection<int> shards);

    /// <summary>Copies one row of a loaded shard: pixels [C, H, W], label (-1: none) and cluster.</summary>
    void CopyRow(int shard, int row, Span<byte> pixels, out long label, out int cluster);

    /// <summary>The data set's row that one row of a loaded shard is.</summary>
    long RowId(int shard, int row);
}
