using System.Globalization;
using System.Runtime.InteropServices;
using Ddm.Storage;

namespace Ddm.Data;

/// <summary>
/// A cluster shard's file: safetensors with <c>pixels</c> U8 [N, C, H, W], <c>labels</c> I64 [N] and <c>rows</c> I64 [N] (rows of the source).
/// The pixels come first and are read in place.
/// </summary>
internal sealed class ClusterShardFile
{
    private const string Pixels = "pixels", LabelsName = "labels", RowsName = "rows";

    private const int MostHeader = 1024; // three tensors' names and shapes: no second, larger buffer

    private readonly byte[] file;
    private readonly int pixelsAt;
    private readonly int rowBytes;
    private readonly long[] labels;

    private ClusterShardFile(byte[] file, int pixelsAt, int rowBytes, long[] labels, long[] rowIds)
    {
        this.file = file;
        this.pixelsAt = pixelsAt;
        this.rowBytes = rowBytes;
        this.labels = labels;
        RowIds = rowIds;
    }

    /// <summary>N.</summary>
    public int Count => labels.Length;

    /// <summary>[N]: rows of the source.</summary>
    public long[] RowIds { get; }

    /// <summary>Writes a shard; the same rows give the same bytes.</summary>
    public static ReadOnlyMemory<byte> Write(
        ReadOnlyMemory<byte> pixels, ReadOnlyMemory<long> labels, ReadOnlyMemory<long> rowIds, int channels, int size, int cluster)
    {
        using var stream = new MemoryStream(pixels.Length + (2 * sizeof(long) * labels.Length) + MostHeader);
        var metadata = new Dictionary<string, string> { ["cluster"] = cluster.ToString(CultureInfo.InvariantCulture) };
        SafetensorsWriter.Write(
            stream,
            [(Pixels, "U8", [labels.Length, channels, size, size]), (LabelsName, "I64", [labels.Length]), (RowsName, "I64", [labels.Length])],
            metadata,
            (tensor, data) => data.Write(tensor switch { 0 => pixels.Span, 1 => MemoryMarshal.AsBytes(labels.Span), _ => MemoryMarshal.AsBytes(rowIds.Span) }));
        return stream.GetBuffer().AsMemory(0, (int)stream.Length);
    }

    /// <summary>Reads a shard.</summary>
    /// <exception cref="InvalidDataException">Its tensors are not those of this manifest.</exception>
    public static ClusterShardFile Read(string name, byte[] file, int rows, int channels, int size)
    {
        var header = SafetensorsHeader.Parse(new MemoryStream(file, writable: false));
        var pixels = Find(name, header, Pixels, "U8", [rows, channels, size, size]);
        var labels = Longs(file, header, Find(name, header, LabelsName, "I64", [rows]));
        var rowIds = Longs(file, header, Find(name, header, RowsName, "I64", [rows]));
        return new ClusterShardFile(file, (int)(header.DataStart + pixels.Begin), channels * size * size, labels, rowIds);
    }

    /// <summary>Copies one image, [C, H, W], and returns its label.</summary>
    public long CopyRow(int row, Span<byte> destination)
    {
        file.AsSpan(pixelsAt + row * rowBytes, rowBytes).CopyTo(destination);
        return labels[row];
    }

    private static TensorInfo Find(string name, SafetensorsHeader header, string tensor, string type, long[] shape)
    {
        var found = header.Tensors.FirstOrDefault(info => info.Name == tensor);
        if (found is not null && found.DType == type && found.Shape.SequenceEqual(shape))
        {
            return found;
        }

        var actual = found is null ? "missing" : $"{found.DType} [{string.Join(", ", found.Shape)}]";
        throw new InvalidDataException($"{name}: tensor '{tensor}' is {actual}, {type} [{string.Join(", ", shape)}] was expected.");
    }

    private static long[] Longs(byte[] file, SafetensorsHeader header, TensorInfo info)
        => MemoryMarshal.Cast<byte, long>(file.AsSpan((int)(header.DataStart + info.Begin), (int)info.Length)).ToArray();
}
