using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Data;

/// <summary>Reads a frozen data set's shards.</summary>
/// <exception cref="UserErrorException">The manifest is of a newer version.</exception>
public sealed class DatasetReader(IBlobStore store, DatasetManifest manifest)
{
    private readonly DatasetManifest manifest = Known(manifest);

    /// <summary>What is read.</summary>
    public DatasetManifest Manifest => manifest;

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
        var rows = await ReadTarAsync(shard, cancellationToken);
        return Decode(BlobNames.DatasetShard(manifest.Id, shard), rows, cancellationToken);
    }

    /// <summary>Which rows of a shard are held out, without decoding an image.</summary>
    /// <exception cref="InvalidDataException">The shard is missing, or not what the manifest says.</exception>
    public async Task<bool[]> ReadHeldOutAsync(int shard, CancellationToken cancellationToken)
    {
        var rows = await ReadTarAsync(shard, cancellationToken);
        return [.. rows.Select(row => row.Facts.HeldOut)];
    }

    private static DatasetManifest Known(DatasetManifest manifest)
    {
        SchemaCheck.Require(BlobNames.DatasetManifest(manifest.Id), manifest.Schema, DatasetManifest.CurrentSchema);
        return manifest;
    }

    private async Task<List<ShardRow>> ReadTarAsync(int shard, CancellationToken cancellationToken)
    {
        var name = BlobNames.DatasetShard(manifest.Id, shard);
        var content = await store.ReadAsync(name, cancellationToken) ?? throw new InvalidDataException($"{name} is in the manifest and not in the store.");
        ShardHash.Require(name, content.Bytes, manifest.Shards[shard].Sha256);
        return ShardTar.Read(new MemoryStream(content.Bytes, writable: false));
    }

    private ImageRows Decode(string name, List<ShardRow> rows, CancellationToken cancellationToken)
    {
        var rowBytes = manifest.Channels * manifest.ImageSize * manifest.ImageSize;
        var pixels = new byte[checked(rows.Count * rowBytes)];
        ParallelRows.For(rows.Count, i =>
        {
            var image = ImageCodec.DecodePng(rows[i].Png);
            if (image.Width != manifest.ImageSize || image.Height != manifest.ImageSize || image.Channels != manifest.Channels)
            {
                throw new InvalidDataException($"{name}: row {rows[i].Row} is {image.Width} x {image.Height} x {image.Channels}.");
            }

            Planes.FromInterleaved(image.Pixels, image.Channels).CopyTo(pixels, i * rowBytes);
        }, cancellationToken);
        return new ImageRows(
            pixels, [.. rows.Select(row => row.Facts.Label)], [.. rows.Select(row => row.Facts.HeldOut)], [.. rows.Select(row => row.Row)],
            manifest.Channels, manifest.ImageSize, rows.Exists(row => row.Text is not null) ? [.. rows.Select(row => row.Text)] : null);
    }
}
