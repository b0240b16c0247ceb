using Ddm.Data;
using Ddm.Runs;

namespace Ddm.Training;

/// <summary>Frozen clusters as a source of rows.</summary>
internal sealed class ClusterRows(ClusterDataset dataset) : IRowSource
{
    public IReadOnlyList<int> ShardRows => dataset.ShardRows;

    public ClusterLatents? Latents => dataset.Latents;

    public TextShape? Text => dataset.Text;

    // Training has a thread of its own, which may wait: tensors' dispose scopes do not follow an await to another.
    public void Load(IReadOnlyCollection<int> shards) => dataset.LoadAsync(shards).GetAwaiter().GetResult();

    public void CopyRow(int shard, int row, Span<byte> pixels, out long label, out int cluster) => dataset.CopyRow(shard, row, pixels, out label, out cluster);

    public void CopyMirrored(int shard, int row, Span<byte> moments, out long label, out int cluster) => dataset.CopyMirrored(shard, row, moments, out label, out cluster);

    public void CopyText(int shard, int? row, Span<byte> condition) => dataset.CopyText(shard, row, condition);

    public long RowId(int shard, int row) => dataset.RowId(shard, row);
}
