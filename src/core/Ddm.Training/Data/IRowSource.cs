using Ddm.Data;
using Ddm.Runs;

namespace Ddm.Training;

/// <summary>The rows a role is trained or measured on.</summary>
internal interface IRowSource
{
    /// <summary>Rows of each shard.</summary>
    IReadOnlyList<int> ShardRows { get; }

    /// <summary>Set where rows are moments of latents in place of pixels.</summary>
    ClusterLatents? Latents => null;

    /// <summary>What networks see of captions; null: nothing.</summary>
    TextShape? Text => null;

    /// <summary>Makes the rows of these shards readable; others may be forgotten. Blocks.</summary>
    void Load(IReadOnlyCollection<int> shards);

    /// <summary>Copies one row of a loaded shard: pixels [C, H, W] uint8, or moments [2 z, h, h] float16; label (-1: none) and cluster.</summary>
    void CopyRow(int shard, int row, Span<byte> pixels, out long label, out int cluster);

    /// <summary>Copies the moments of the mirror image of one row of a loaded shard; else as <see cref="CopyRow"/>. Pixels are mirrored by whoever reads them.</summary>
    void CopyMirrored(int shard, int row, Span<byte> moments, out long label, out int cluster) => throw new InvalidOperationException("These rows have no mirror images.");

    /// <summary>Copies the caption of one row of a loaded shard as networks take it; that of no caption where <paramref name="row"/> is null.</summary>
    void CopyText(int shard, int? row, Span<byte> condition) => throw new InvalidOperationException("These rows have no captions.");

    /// <summary>The data set's row that one row of a loaded shard is.</summary>
    long RowId(int shard, int row);
}
