using System.Collections.Concurrent;
using System.Formats.Tar;
using System.Globalization;
using System.Security.Cryptography;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Data;

/// <summary>Turns a source into immutable shards and, when all are there, a manifest. Everything may be repeated at any time: the first writer wins.</summary>
public sealed class DatasetIngest(IBlobStore store)
{
    private const int Schema = DatasetManifest.CurrentSchema;

    // Images decoded at once: bounds memory when they are large.
    private const int ChunkRows = 256;

    /// <summary>How many shards a source is cut into.</summary>
    public static int ShardCount(DataSpec spec, IImageSource source) => (source.Count + spec.ShardRows - 1) / spec.ShardRows;

    /// <summary>Writes shard <paramref name="shard"/>: its tar, then the record beside it. Does nothing where the record exists.</summary>
    public async Task IngestShardAsync(DataSpec spec, IImageSource source, string datasetId, int shard, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)shard, (uint)ShardCount(spec, source));
        var infoName = BlobNames.DatasetShardInfo(datasetId, shard);
        if (await store.ExistsAsync(infoName, cancellationToken))
        {
            return;
        }

        var quarantined = new ConcurrentBag<QuarantinedImage>();
        var tarName = BlobNames.DatasetShard(datasetId, shard);
        await store.TryWriteStreamAsync(
            tarName,
            (stream, token) =>
            {
                quarantined.Clear();
                WriteTar(stream, spec, source, shard, quarantined, token);
                return Task.CompletedTask;
            },
            WriteCondition.IfAbsent,
            cancellationToken);

        // Described from what is stored: where another worker's tar came first, that one counts.
        var stored = await store.ReadAsync(tarName, cancellationToken) ?? throw new InvalidDataException($"{tarName} was written and is gone.");
        var rows = ShardTar.Read(new MemoryStream(stored.Bytes, writable: false));
        await store.TryWriteJsonAsync(infoName, Describe(spec, source, shard, stored.Bytes, rows, quarantined), WriteCondition.IfAbsent, cancellationToken);
    }

    /// <summary>Writes the manifest once every shard is there, and returns the one that stands.</summary>
    /// <exception cref="UserErrorException">No image is left, or none is left to train on.</exception>
    /// <exception cref="InvalidOperationException">Shards are missing.</exception>
    public async Task<DatasetManifest> FreezeAsync(DataSpec spec, IImageSource source, string datasetId, CancellationToken cancellationToken)
    {
        var infos = await ReadShardInfosAsync(datasetId, ShardCount(spec, source), cancellationToken);
        var quarantined = infos.SelectMany(info => info.Quarantined).ToList();
        RequireRows(infos, quarantined, spec);
        var manifest = new DatasetManifest(
            datasetId, Schema, spec.ImageSize, spec.Channels, source.ClassNames, infos.Sum(info => (long)info.Shard.Rows),
            infos.Sum(info => (long)info.Shard.HeldOut), quarantined.Count, [.. infos.Select(info => info.Shard)],
            infos.Sum(info => (long)info.Shard.Captioned));
        var name = BlobNames.DatasetManifest(datasetId);
        await store.TryWriteJsonAsync(name, manifest, WriteCondition.IfAbsent, cancellationToken);
        var standing = await store.ReadJsonAsync<DatasetManifest>(name, cancellationToken)
            ?? throw new InvalidDataException($"{name} was written and is gone.");
        return standing.Value;
    }

    /// <summary>Images of the data set that could not be used, in the order of the source.</summary>
    public async Task<IReadOnlyList<QuarantinedImage>> ReadQuarantineAsync(DatasetManifest manifest, CancellationToken cancellationToken)
    {
        var infos = await ReadShardInfosAsync(manifest.Id, manifest.Shards.Count, cancellationToken);
        return [.. infos.SelectMany(info => info.Quarantined)];
    }

    private async Task<List<DatasetShardInfo>> ReadShardInfosAsync(string datasetId, int count, CancellationToken cancellationToken)
    {
        var infos = new List<DatasetShardInfo>();
        var missing = new List<int>();
        for (var shard = 0; shard < count; shard++)
        {
            if (await store.ReadJsonAsync<DatasetShardInfo>(BlobNames.DatasetShardInfo(datasetId, shard), cancellationToken) is { } info)
            {
                infos.Add(info.Value);
            }
            else
            {
                missing.Add(shard);
            }
        }

        return missing.Count == 0
            ? infos
            : throw new InvalidOperationException($"Data set {datasetId} cannot be frozen: " +
                $"shards {string.Join(", ", missing.Take(20))} of {count} are not ingested.");
    }

    private static void RequireRows(List<DatasetShardInfo> infos, List<QuarantinedImage> quarantined, DataSpec spec)
    {
        var rows = infos.Sum(info => info.Shard.Rows);
        if (rows == 0)
        {
            var examples = string.Join("; ", quarantined.Take(3).Select(image => $"{image.Source}: {image.Reason}"));
            throw new UserErrorException($"None of the {quarantined.Count} images of '{spec.Source}' can be used: {examples}. " +
                "Mend them or point data.source elsewhere.");
        }

        if (infos.Sum(info => info.Shard.HeldOut) == rows)
        {
            throw new UserErrorException(string.Create(CultureInfo.InvariantCulture,
                $"All {rows} images of '{spec.Source}' fall into the held-out share (data.held_out: {spec.HeldOut}), none is left to train on. " +
                    $"Lower the share or give more images."));
        }
    }

    private static DatasetShardInfo Describe(
        DataSpec spec, IImageSource source, int shard, byte[] tar, List<ShardRow> rows, ConcurrentBag<QuarantinedImage> quarantined)
    {
        var used = rows.Select(row => row.Row).ToHashSet();
        var reasons = quarantined.ToDictionary(image => image.Row);
        var lost = new List<QuarantinedImage>();
        var (start, count) = Range(spec, source, shard);
        for (var row = start; row < start + count; row++)
        {
            if (!used.Contains(row))
            {
                lost.Add(reasons.GetValueOrDefault(row) ?? new QuarantinedImage(row, source.NameOf(row), "not in the shard that another worker wrote first"));
            }
        }

        var described = new DatasetShard(
            shard, rows.Count, rows.Count(row => row.Facts.HeldOut), Convert.ToHexStringLower(SHA256.HashData(tar)), tar.Length,
            rows.Count(row => row.Text is not null));
        return new DatasetShardInfo(described, lost);
    }

    private static void WriteTar(
        Stream stream, DataSpec spec, IImageSource source, int shard, ConcurrentBag<QuarantinedImage> quarantined, CancellationToken cancellationToken)
    {
        using var tar = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true);
        var (start, count) = Range(spec, source, shard);
        for (var at = start; at < start + count; at += ChunkRows)
        {
            var encoded = new ShardRow?[Math.Min(ChunkRows, start + count - at)];
            var first = at;
            ParallelRows.For(encoded.Length, i => encoded[i] = Encode(spec, source, first + i, quarantined), cancellationToken);
            foreach (var row in encoded)
            {
                if (row is not null)
                {
                    ShardTar.Write(tar, row);
                }
            }
        }
    }

    private static ShardRow? Encode(DataSpec spec, IImageSource source, int row, ConcurrentBag<QuarantinedImage> quarantined)
    {
        try
        {
            var image = source.Read(row);
            var planes = image.ToSquare(spec.ImageSize, spec.Channels);
            var hash = SHA256.HashData(planes);
            var facts = new ShardRowFacts(image.Label, HeldOutRule.IsHeldOut(hash, spec.HeldOut), Convert.ToHexStringLower(hash), image.Name);
            return new ShardRow(row, ImageCodec.EncodePng(planes, spec.Channels, spec.ImageSize, spec.ImageSize), image.Text, facts);
        }
        catch (BadImageException error)
        {
            quarantined.Add(new QuarantinedImage(row, source.NameOf(row), error.Message));
            return null;
        }
    }

    private static (int Start, int Count) Range(DataSpec spec, IImageSource source, int shard)
    {
        var start = shard * spec.ShardRows;
        return (start, Math.Min(spec.ShardRows, source.Count - start));
    }
}
