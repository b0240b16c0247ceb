using System.Buffers.Binary;
using System.Text;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Data;

/// <summary>
/// Brings rows from data set shards to cluster shards when these do not fit in memory together. Each data set shard is read, checked and
/// decoded once and written to a scratch blob with its rows sorted by the part of the outputs they belong to; then each part is filled from a
/// contiguous stretch of every scratch blob. So all rows move twice, whatever the number of parts.
/// </summary>
/// <remarks>A scratch blob: the end of each part's stretch, int64 little-endian; then rows of int32 output, int32 place, int64 label,
/// int64 row of the source, int32 bytes of the caption (-1: none), pixels, caption as networks take it, caption.</remarks>
internal sealed class ClusterScatter(IBlobStore store, string run, IShardRows reader, ClusterLayout layout, IReadOnlyList<int> partEnds)
{
    private const int RowHeader = 28;

    private readonly int imageBytes = reader.Format.RowBytes;
    private readonly int rowBytes = reader.Format.RowBytes + (reader.Text?.RowBytes ?? 0);

    /// <summary>Writes the scratch blobs.</summary>
    public async Task SpillAsync(CancellationToken cancellationToken)
    {
        for (var shard = 0; shard < reader.Manifest.Shards.Count; shard++)
        {
            LargeHeap.CollectNowAndThen(shard);
            var rows = await reader.ReadShardAsync(shard, cancellationToken);
            var number = shard;

            // Unconditional: what a crash left behind may be of another layout.
            await store.TryWriteStreamAsync(
                BlobNames.ClusterScratch(run, shard), (stream, token) => WriteAsync(stream, number, rows, token), WriteCondition.Any, cancellationToken);
        }
    }

    /// <summary>Fills the outputs of one part from the scratch blobs.</summary>
    /// <param name="part">Which.</param>
    /// <param name="firstOutput">The output that <paramref name="buffers"/> begins with.</param>
    /// <param name="buffers">The part's outputs.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="IOException">A scratch blob is gone.</exception>
    public async Task FillAsync(int part, int firstOutput, List<ClusterShardBuffer> buffers, CancellationToken cancellationToken)
    {
        var row = new byte[RowHeader + rowBytes];
        var ends = new byte[partEnds.Count * sizeof(long)];
        for (var shard = 0; shard < reader.Manifest.Shards.Count; shard++)
        {
            LargeHeap.CollectNowAndThen(shard);
            var name = BlobNames.ClusterScratch(run, shard);
            await using var scratch = await store.OpenReadAsync(name, cancellationToken)
                ?? throw new IOException($"{name} was written and is gone: another worker at the same work has tidied up.");
            await scratch.ReadExactlyAsync(ends, cancellationToken);
            var end = BinaryPrimitives.ReadInt64LittleEndian(ends.AsSpan(part * sizeof(long)));
            scratch.Position = part == 0 ? ends.Length : BinaryPrimitives.ReadInt64LittleEndian(ends.AsSpan((part - 1) * sizeof(long)));
            while (scratch.Position < end)
            {
                scratch.ReadExactly(row);
                var (output, at) = (BinaryPrimitives.ReadInt32LittleEndian(row), BinaryPrimitives.ReadInt32LittleEndian(row.AsSpan(4)));
                var (label, id) = (BinaryPrimitives.ReadInt64LittleEndian(row.AsSpan(8)), BinaryPrimitives.ReadInt64LittleEndian(row.AsSpan(16)));
                buffers[output - firstOutput].Put(
                    at, row.AsSpan(RowHeader, imageBytes), row.AsSpan(RowHeader + imageBytes), label, id, ReadText(scratch, BinaryPrimitives.ReadInt32LittleEndian(row.AsSpan(24))));
            }
        }
    }

    /// <summary>Removes the scratch blobs.</summary>
    public async Task CleanAsync(CancellationToken cancellationToken)
    {
        for (var shard = 0; shard < reader.Manifest.Shards.Count; shard++)
        {
            await store.DeleteAsync(BlobNames.ClusterScratch(run, shard), cancellationToken);
        }
    }

    private async Task WriteAsync(Stream stream, int shard, ImageRows rows, CancellationToken cancellationToken)
    {
        var targets = Enumerable.Range(0, rows.Count).Select(row => (Row: row, Target: layout.TargetOf(shard, row))).ToList();
        var parts = targets.ToLookup(target => PartOf(target.Target.Output));
        var ends = new byte[partEnds.Count * sizeof(long)];
        var end = (long)ends.Length;
        for (var part = 0; part < partEnds.Count; part++)
        {
            end += parts[part].Sum(target => RowHeader + rowBytes + TextOf(rows, target.Row).LongLength);
            BinaryPrimitives.WriteInt64LittleEndian(ends.AsSpan(part * sizeof(long)), end);
        }

        await stream.WriteAsync(ends, cancellationToken);
        var header = new byte[RowHeader];
        for (var part = 0; part < partEnds.Count; part++)
        {
            foreach (var (row, (output, at)) in parts[part])
            {
                BinaryPrimitives.WriteInt32LittleEndian(header, output);
                BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(4), at);
                BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(8), rows.Labels[row]);
                BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(16), rows.RowIds[row]);
                var text = TextOf(rows, row);
                BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(24), rows.Texts?[row] is null ? -1 : text.Length);
                stream.Write(header);
                stream.Write(rows.Row(row));
                stream.Write(rows.Condition(row));
                stream.Write(text);
            }
        }
    }

    private static byte[] TextOf(ImageRows rows, int row) => rows.Texts?[row] is { } text ? Encoding.UTF8.GetBytes(text) : [];

    private static string? ReadText(Stream scratch, int length)
    {
        if (length < 0)
        {
            return null;
        }

        var bytes = new byte[length];
        scratch.ReadExactly(bytes);
        return Encoding.UTF8.GetString(bytes);
    }

    private int PartOf(int output)
    {
        var part = 0;
        while (output >= partEnds[part])
        {
            part++;
        }

        return part;
    }
}
