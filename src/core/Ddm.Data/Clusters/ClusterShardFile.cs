using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Ddm.Storage;

namespace Ddm.Data;

/// <summary>
/// A cluster shard's file: safetensors with <c>pixels</c> U8 [N, C, H, W] or <c>moments</c> F16 [N, 2 z, h, w], <c>labels</c> I64 [N] and <c>rows</c> I64 [N] (rows of the source).
/// Where mirror images are kept, <c>moments</c> is [N, 2, 2 z, h, w].
/// The pixels come first and are read in place. Where a row has a caption, <c>captions</c> U8 holds them all as UTF-8, one after the other, and
/// <c>caption_ends</c> I64 [N] where each ends; an empty one is none. In a run with text <c>text</c> holds the captions as networks take them, I32 [N, L] or F16 [N, L, W],
/// and <c>text_null</c> that of no caption.
/// </summary>
internal sealed class ClusterShardFile
{
    private const string LabelsName = "labels", RowsName = "rows", CaptionsName = "captions", EndsName = "caption_ends", TextName = "text", NullTextName = "text_null";

    private const int MostHeader = 1024; // names and shapes: no second, larger buffer, but for captions

    private readonly byte[] file;
    private readonly int pixelsAt;
    private readonly RowFormat format;
    private readonly long[] labels;
    private readonly int captionsAt;
    private readonly long[]? captionEnds;
    private readonly (int At, int NullAt, int RowBytes) text;

    private ClusterShardFile(
        byte[] file, int pixelsAt, RowFormat format, long[] labels, long[] rowIds, int captionsAt, long[]? captionEnds, (int At, int NullAt, int RowBytes) text)
    {
        this.text = text;
        this.captionsAt = captionsAt;
        this.captionEnds = captionEnds;
        this.file = file;
        this.pixelsAt = pixelsAt;
        this.format = format;
        this.labels = labels;
        RowIds = rowIds;
    }

    /// <summary>N.</summary>
    public int Count => labels.Length;

    /// <summary>[N]: rows of the source.</summary>
    public long[] RowIds { get; }

    /// <summary>Writes a shard; the same rows give the same bytes.</summary>
    public static ReadOnlyMemory<byte> Write(
        ReadOnlyMemory<byte> pixels, ReadOnlyMemory<long> labels, ReadOnlyMemory<long> rowIds, string?[]? texts, RowFormat format, int cluster,
        ClusterShardText? text = null)
    {
        using var stream = new MemoryStream(pixels.Length + (text?.Rows.Length ?? 0) + (text?.None.Length ?? 0) + (2 * sizeof(long) * labels.Length) + MostHeader);
        var metadata = new Dictionary<string, string> { ["cluster"] = cluster.ToString(CultureInfo.InvariantCulture) };
        List<(string Name, string, long[])> tensors =
            [(format.Tensor, format.Type, format.Shape(labels.Length)), (LabelsName, "I64", [labels.Length]), (RowsName, "I64", [labels.Length])];
        var (captions, ends) = Pack(texts);
        if (texts is not null)
        {
            tensors.AddRange([(CaptionsName, "U8", [captions.Length]), (EndsName, "I64", [labels.Length])]);
        }

        if (text is not null)
        {
            tensors.AddRange([(TextName, text.Format.Type, text.Format.Rows(labels.Length)), (NullTextName, text.Format.Type, text.Format.One)]);
        }

        SafetensorsWriter.Write(stream, tensors, metadata, (tensor, data) => data.Write(tensors[tensor].Name switch
        {
            LabelsName => MemoryMarshal.AsBytes(labels.Span),
            RowsName => MemoryMarshal.AsBytes(rowIds.Span),
            CaptionsName => captions,
            EndsName => MemoryMarshal.AsBytes<long>(ends),
            TextName => text!.Rows.Span,
            NullTextName => text!.None.Span,
            _ => pixels.Span,
        }));
        return stream.GetBuffer().AsMemory(0, (int)stream.Length);
    }

    /// <summary>Reads a shard.</summary>
    /// <exception cref="InvalidDataException">Its tensors are not those of this manifest.</exception>
    public static ClusterShardFile Read(string name, byte[] file, int rows, RowFormat format, RowText? text = null)
    {
        var header = SafetensorsHeader.Parse(new MemoryStream(file, writable: false));
        var pixels = Find(name, header, format.Tensor, format.Type, format.Shape(rows));
        var labels = Longs(file, header, Find(name, header, LabelsName, "I64", [rows]));
        var rowIds = Longs(file, header, Find(name, header, RowsName, "I64", [rows]));
        var captions = header.Tensors.FirstOrDefault(info => info.Name == CaptionsName);
        var ends = captions is null ? null : Longs(file, header, Find(name, header, EndsName, "I64", [rows]));
        RequireEnds(name, captions, ends);
        return new ClusterShardFile(
            file, At(pixels), format, labels, rowIds, (int)(header.DataStart + (captions?.Begin ?? 0)), ends,
            text is { } kept
                ? (At(Find(name, header, TextName, kept.Type, kept.Rows(rows))), At(Find(name, header, NullTextName, kept.Type, kept.One)), kept.RowBytes)
                : default);

        int At(TensorInfo info) => (int)(header.DataStart + info.Begin);
    }

    /// <summary>A row's caption; null: none.</summary>
    public string? TextOf(int row)
    {
        if (captionEnds is null)
        {
            return null;
        }

        var begin = row == 0 ? 0 : (int)captionEnds[row - 1];
        return captionEnds[row] == begin ? null : Encoding.UTF8.GetString(file, captionsAt + begin, (int)captionEnds[row] - begin);
    }

    /// <summary>A row's caption as networks take it.</summary>
    public ReadOnlySpan<byte> Condition(int row) => file.AsSpan(text.At + (row * text.RowBytes), text.RowBytes);

    /// <summary>That of no caption.</summary>
    public ReadOnlySpan<byte> NullCondition => file.AsSpan(text.NullAt, text.RowBytes);

    /// <summary>Copies one image as its format says, or the moments of its mirror image, and returns its label.</summary>
    /// <exception cref="InvalidOperationException">A mirror image is asked for, and none is kept.</exception>
    public long CopyRow(int row, Span<byte> destination, bool mirrored)
    {
        if (mirrored && !format.Mirrored)
        {
            throw new InvalidOperationException("These rows are kept without their mirror images.");
        }

        var at = pixelsAt + (row * format.RowBytes) + (mirrored ? format.ImageBytes : 0);
        file.AsSpan(at, format.ImageBytes).CopyTo(destination);
        return labels[row];
    }

    private static (byte[] Captions, long[] Ends) Pack(string?[]? texts)
    {
        using var captions = new MemoryStream();
        var ends = new long[texts?.Length ?? 0];
        for (var i = 0; i < ends.Length; i++)
        {
            captions.Write(Encoding.UTF8.GetBytes(texts![i] ?? ""));
            ends[i] = captions.Length;
        }

        return (captions.ToArray(), ends);
    }

    private static void RequireEnds(string name, TensorInfo? captions, long[]? ends)
    {
        var last = 0L;
        foreach (var end in ends ?? [])
        {
            last = end >= last && end <= captions!.Length ? end
                : throw new InvalidDataException($"{name}: a caption ends at byte {end} behind one that ends at {last}, of {captions!.Length}.");
        }
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
