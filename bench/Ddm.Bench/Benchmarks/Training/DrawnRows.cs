using Ddm.Training;

namespace Ddm.Bench;

/// <summary>Random pixels in memory, as a loaded cluster's are.</summary>
internal sealed class DrawnRows : IRowSource
{
    private const int Rows = 1024;
    private readonly int width;
    private readonly byte[] pixels;

    /// <param name="width">Bytes of one image.</param>
    public DrawnRows(int width)
    {
        this.width = width;
        pixels = new byte[Rows * width];
        new Random(1).NextBytes(pixels);
    }

    public IReadOnlyList<int> ShardRows { get; } = [Rows];

    public void Load(IReadOnlyCollection<int> shards)
    {
    }

    public void CopyRow(int shard, int row, Span<byte> destination, out long label, out int cluster)
    {
        pixels.AsSpan(row * width, width).CopyTo(destination);
        (label, cluster) = (row % SteppedNetwork.Classes, 0);
    }

    public long RowId(int shard, int row) => row;
}
