using System.Security.Cryptography;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Data;

/// <summary>A cluster shard while its rows come in, in any order.</summary>
internal sealed class ClusterShardBuffer
{
    private readonly ClusterOutput output;
    private readonly int channels;
    private readonly int size;
    private readonly byte[] pixels;
    private readonly long[] labels;
    private readonly long[] rowIds;
    private string?[]? texts;

    public ClusterShardBuffer(ClusterOutput output, int channels, int size)
    {
        this.output = output;
        this.channels = channels;
        this.size = size;
        pixels = new byte[checked(output.Rows * channels * size * size)];
        labels = new long[output.Rows];
        rowIds = new long[output.Rows];
    }

    /// <summary>Puts one image in its place.</summary>
    public void Put(int at, ImageRows rows, int row)
    {
        rows.Row(row).CopyTo(pixels.AsSpan(at * rows.RowBytes));
        labels[at] = rows.Labels[row];
        rowIds[at] = rows.RowIds[row];
        if (rows.Texts?[row] is { } text)
        {
            (texts ??= new string?[output.Rows])[at] = text;
        }
    }

    /// <summary>Adds the rows of each class; a single count takes all rows.</summary>
    public void CountClasses(long[] counts)
    {
        foreach (var label in labels)
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
        var file = ClusterShardFile.Write(pixels, labels, rowIds, texts, channels, size, output.Cluster);

        // Unconditional: nobody reads a shard before its manifest stands, every writer writes these same bytes, and a damaged leftover is mended.
        await store.TryWriteStreamAsync(name, (stream, token) => stream.WriteAsync(file, token).AsTask(), WriteCondition.Any, cancellationToken);
        return new ClusterShard(name, output.Rows, Convert.ToHexStringLower(SHA256.HashData(file)), file.Length);
    }
}
