using System.Runtime.CompilerServices;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Data;

/// <summary>Reads a frozen data set's shards.</summary>
/// <exception cref="UserErrorException">The manifest is of a newer version.</exception>
public sealed class DatasetReader(IBlobStore store, DatasetManifest manifest) : IShardRows
{
    private const int ChunkRows = 256;

    private readonly DatasetManifest manifest = Known(manifest);

    /// <summary>What is read.</summary>
    public DatasetManifest Manifest => manifest;

    /// <inheritdoc/>
    public RowFormat Format => new(manifest.Channels, manifest.ImageSize);

    /// <inheritdoc/>
    public double Scale => 1;

    /// <summary>Opens a data set by its id.</summary>
    /// <exception cref="InvalidDataException">It has no manifest.</exception>
    public static async Task<DatasetReader> OpenAsync(IBlobStore store, string datasetId, CancellationToken cancellationToken)
    {
        var name = BlobNames.DatasetManifest(datasetId);
        var found = await store.ReadJsonAsync<DatasetManifest>(name, cancellationToken)
            ?? throw new InvalidDataException($"{name} is not there: the data set is not frozen.");
        return new DatasetReader(store, found.Value);
    }

    /// <summary>Reads, verifies and decodes one shard.</summary>
    /// <exception cref="InvalidDataException">The shard is missing, or not what the manifest says.</exception>
    public async Task<ImageRows> ReadShardAsync(int shard, CancellationToken cancellationToken)
    {
        await using var tar = await OpenTarAsync(shard, cancellationToken);
        var name = BlobNames.DatasetShard(manifest.Id, shard);
        await ShardHash.RequireAsync(name, tar, manifest.Shards[shard].Sha256, cancellationToken);
        return Decode(name, shard, ShardTar.Read(tar), cancellationToken);
    }

    /// <summary>Reads and verifies one shard and decodes it piece by piece: of its pixels, no more than a piece is held.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="rows">Rows of a piece; the last has what is left.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>[n, C, H, W] uint8, in the shard's order.</returns>
    /// <exception cref="InvalidDataException">The shard is missing, or not what the manifest says.</exception>
    public async IAsyncEnumerable<byte[]> ReadPixelsAsync(int shard, int rows, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var tar = await OpenTarAsync(shard, cancellationToken);
        var name = BlobNames.DatasetShard(manifest.Id, shard);
        await ShardHash.RequireAsync(name, tar, manifest.Shards[shard].Sha256, cancellationToken);
        var done = 0;
        foreach (var chunk in ShardTar.Read(tar).Chunk(rows))
        {
            var pixels = new byte[checked(chunk.Length * Format.RowBytes)];
            ParallelRows.For(chunk.Length, i => Decode(name, chunk[i]).CopyTo(pixels, i * Format.RowBytes), cancellationToken);
            done += chunk.Length;
            yield return pixels;
        }

        RequireAll(name, shard, done);
    }

    /// <summary>What is known of a shard's rows, without a pixel: <see cref="ImageRows.Pixels"/> is empty. The shard's hash is not checked.</summary>
    /// <exception cref="InvalidDataException">The shard is missing, or is no such tar.</exception>
    public async Task<ImageRows> ReadFactsAsync(int shard, CancellationToken cancellationToken)
    {
        await using var tar = await OpenTarAsync(shard, cancellationToken);
        try
        {
            var rows = ShardTar.ReadFacts(tar).ToList();
            return new ImageRows(
                [], [.. rows.Select(row => row.Facts.Label)], [.. rows.Select(row => row.Facts.HeldOut)], [.. rows.Select(row => row.Row)], Format,
                rows.Exists(row => row.Text is not null) ? [.. rows.Select(row => row.Text)] : null);
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException)
        {
            throw new InvalidDataException($"{BlobNames.DatasetShard(manifest.Id, shard)} is damaged: {error.Message}", error);
        }
    }

    /// <summary>Which row of the source each row of a shard is, and whether it is held out, without reading a pixel; the shard's hash is not checked.</summary>
    /// <exception cref="InvalidDataException">The shard is missing, or is no such tar.</exception>
    public async Task<(long[] RowIds, bool[] HeldOut)> ReadRowsAsync(int shard, CancellationToken cancellationToken)
    {
        var facts = await ReadFactsAsync(shard, cancellationToken);
        return (facts.RowIds, facts.HeldOut);
    }

    private static DatasetManifest Known(DatasetManifest manifest)
    {
        SchemaCheck.Require(BlobNames.DatasetManifest(manifest.Id), manifest.Schema, DatasetManifest.CurrentSchema);
        return manifest;
    }

    private async Task<Stream> OpenTarAsync(int shard, CancellationToken cancellationToken)
    {
        var name = BlobNames.DatasetShard(manifest.Id, shard);
        return await store.OpenReadAsync(name, cancellationToken) ?? throw new InvalidDataException($"{name} is in the manifest and not in the store.");
    }

    // Chunk by chunk: of the whole shard only the pixels are in memory.
    private ImageRows Decode(string name, int shard, IEnumerable<ShardRow> rows, CancellationToken cancellationToken)
    {
        var count = manifest.Shards[shard].Rows;
        var rowBytes = Format.RowBytes;
        var read = new ImageRows(
            new byte[checked(count * rowBytes)], new long[count], new bool[count], new long[count], Format);
        string?[]? texts = null;
        var done = 0;
        foreach (var chunk in rows.Chunk(ChunkRows))
        {
            if (done + chunk.Length > count)
            {
                break;
            }

            var first = done;
            ParallelRows.For(chunk.Length, i =>
            {
                var row = chunk[i];
                (read.Labels[first + i], read.HeldOut[first + i], read.RowIds[first + i]) = (row.Facts.Label, row.Facts.HeldOut, row.Row);
                Decode(name, row).CopyTo(read.Pixels, (first + i) * rowBytes);
            }, cancellationToken);
            for (var i = 0; i < chunk.Length; i++)
            {
                if (chunk[i].Text is { } text)
                {
                    (texts ??= new string?[count])[first + i] = text;
                }
            }

            done += chunk.Length;
        }

        RequireAll(name, shard, done);
        return read with { Texts = texts };
    }

    private void RequireAll(string name, int shard, int found)
    {
        if (found != manifest.Shards[shard].Rows)
        {
            throw new InvalidDataException($"{name} does not hold the {manifest.Shards[shard].Rows} images that the manifest says.");
        }
    }

    private byte[] Decode(string name, ShardRow row)
    {
        var image = ImageCodec.DecodePng(row.Png);
        return image.Width == manifest.ImageSize && image.Height == manifest.ImageSize && image.Channels == manifest.Channels
            ? Planes.FromInterleaved(image.Pixels, image.Channels)
            : throw new InvalidDataException($"{name}: row {row.Row} is {image.Width} x {image.Height} x {image.Channels}.");
    }
}
