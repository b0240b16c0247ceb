using Parquet;

namespace Ddm.Data;

/// <summary>
/// Row groups of parquet files, read when they are asked for and kept while there is room: rows come roughly in order, from several threads. One
/// group is read at a time.
/// </summary>
internal sealed class ParquetGroups
{
    private const long RoomBytes = 512L << 20;
    private const int FewestKept = 2; // threads on both sides of a border

    private readonly LinkedList<Held> held = []; // the last used first
    private readonly Lock gate = new(), reading = new();
    private (string Path, ParquetReader Reader)? open;

    private sealed record Held(string Path, int Group, long Bytes, Lazy<ParquetRows> Rows);

    /// <summary>The columns of a row group.</summary>
    public ParquetRows Get(string path, ParquetColumns columns, int group, long bytes)
    {
        Held found;
        lock (gate)
        {
            var node = held.First;
            while (node is not null && (node.Value.Group != group || node.Value.Path != path))
            {
                node = node.Next;
            }

            found = node?.Value ?? new Held(path, group, bytes, new(() => Read(path, columns, group)));
            if (node is not null)
            {
                held.Remove(node);
            }

            held.AddFirst(found);
            while (held.Count > FewestKept && held.Sum(entry => entry.Bytes) > RoomBytes)
            {
                held.RemoveLast();
            }
        }

        return found.Rows.Value;
    }

    private ParquetRows Read(string path, ParquetColumns columns, int group)
    {
        lock (reading)
        {
            if (open?.Path != path)
            {
                open?.Reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
                open = null;
                open = (path, ParquetReader.CreateAsync(path).GetAwaiter().GetResult());
            }

            using var reader = open.Value.Reader.OpenRowGroupReader(group);
            return new ParquetRows(
                ParquetColumn.Read(reader, columns.Image),
                columns.Text is null ? null : ParquetColumn.Read(reader, columns.Text),
                columns.Group is null ? null : ParquetColumn.Read(reader, columns.Group));
        }
    }
}
