using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Data;

/// <summary>A cluster shard while its rows come in, in any order; then the next one in the same memory, which would else wait for a collection.</summary>
internal sealed class ClusterShardBuffer
{
    private ClusterOutput output;
    private readonly RowFormat format;
    private readonly RowText? textFormat;
    private readonly ReadOnlyMemory<byte> nullText;
    private byte[] pixels = [];
    private byte[] conditions = [];
    private long[] labels = [];
    private long[] rowIds = [];
    private string?[]? texts;

    /// <param name="output">The first shard.</param>
    /// <param name="rows">What is kept of a row.</param>
    public ClusterShardBuffer(ClusterOutput output, IShardRows rows)
    {
        (format, textFormat, nullText) = (rows.Format, rows.Text, rows.NullText);
        Reuse(output);
    }

    /// <summary>Turns to another shard; all its rows are still to come.</summary>
    [MemberNotNull(nameof(output))]
    public void Reuse(ClusterOutput next)
    {
        (output, texts) = (next, null);
        if (labels.Length < next.Rows)
        {
            pixels = new byte[checked(next.Rows * format.RowBytes)];
            conditions = new byte[checked(next.Rows * ConditionBytes)];
            (labels, rowIds) = (new long[next.Rows], new long[next.Rows]);
        }
    }

    /// <summary>Puts one row in its place.</summary>
    public void Put(int at, ReadOnlySpan<byte> image, ReadOnlySpan<byte> condition, long label, long rowId, string? text)
    {
        image.CopyTo(pixels.AsSpan(at * image.Length));
        condition.CopyTo(conditions.AsSpan(at * condition.Length));
        labels[at] = label;
        rowIds[at] = rowId;
        if (text is not null)
        {
            (texts ??= new string?[output.Rows])[at] = text;
        }
    }

    /// <summary>Adds the rows of each class; a single count takes all rows.</summary>
    public void CountClasses(long[] counts)
    {
        foreach (var label in labels.AsSpan(0, output.Rows))
        {
            if (counts.Length == 1 || label >= 0)
            {
                counts[counts.Length == 1 ? 0 : label]++;
            }
        }
    }

    /// <summary>Writes the full shard.</summary>
    public async Task<ClusterShard> WriteAsync(IBlobStore store, string run, CancellationToken cancellationToken)
    {
        var name = output.HeldOut
            ? BlobNames.ClusterHeldOutShard(run, output.Cluster, output.Number)
            : BlobNames.ClusterShard(run, output.Cluster, output.Number);
        var text = textFormat is { } kept ? new ClusterShardText(kept, conditions.AsMemory(0, output.Rows * ConditionBytes), nullText) : null;
        var file = ClusterShardFile.Write(
            pixels.AsMemory(0, output.Rows * format.RowBytes), labels.AsMemory(0, output.Rows), rowIds.AsMemory(0, output.Rows), texts,
            format, output.Cluster, text);

        // Unconditional: nobody reads a shard before its manifest stands, every writer writes these same bytes, and a damaged leftover is mended.
        await store.TryWriteStreamAsync(name, (stream, token) => stream.WriteAsync(file, token).AsTask(), WriteCondition.Any, cancellationToken);
        return new ClusterShard(name, output.Rows, Convert.ToHexStringLower(SHA256.HashData(file.Span)), file.Length);
    }

    private int ConditionBytes => textFormat?.RowBytes ?? 0;
}

/// <summary>The captions of a shard as networks take them.</summary>
/// <param name="Format">How each is kept.</param>
/// <param name="Rows">All of them.</param>
/// <param name="None">That of no caption.</param>
internal sealed record ClusterShardText(RowText Format, ReadOnlyMemory<byte> Rows, ReadOnlyMemory<byte> None);
