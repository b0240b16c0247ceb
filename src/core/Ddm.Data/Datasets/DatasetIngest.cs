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
    // Images decoded at once: bounds memory when they are large.
    private const int ChunkRows = 256;

    /// <summary>How many shards a source is cut into.</summary>
    public static int ShardCount(DataSpec spec, IImageSource source) => (source.Count + spec.ShardRows - 1) / spec.ShardRows;

    /// <summary>Told after every few hundred images how many of a shard have been looked at.</summary>
    public Action<int>? Progress { get; init; }

    /// <summary>Writes shard <paramref name="shard"/>: its tar, then the record beside it. Writes nothing where the record exists.</summary>
    /// <returns>The record that stands.</returns>
    public async Task<DatasetShardInfo> IngestShardAsync(
        DataSpec spec, IImageSource source, string datasetId, int shard, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)shard, (uint)ShardCount(spec, source));
        var infoName = BlobNames.DatasetShardInfo(datasetId, shard);
        if (await store.ReadJsonAsync<DatasetShardInfo>(infoName, cancellationToken) is { } standing)
        {
            return standing.Value;
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
        await using var stored = await store.OpenReadAsync(tarName, cancellationToken) ?? throw new InvalidDataException($"{tarName} was written and is gone.");
        var info = await DescribeAsync(spec, source, shard, stored, quarantined, cancellationToken);
        await store.TryWriteJsonAsync(infoName, info, WriteCondition.IfAbsent, cancellationToken);
        return info;
    }

    /// <summary>Writes the quarantine list and the manifest once every shard is there, and returns the manifest that stands.</summary>
    /// <exception cref="UserErrorException">More images are unusable than <see cref="DataSpec.MaxBad"/> allows, none is left, or none is left to train on.</exception>
    /// <exception cref="InvalidOperationException">Shards are missing.</exception>
    public async Task<DatasetManifest> FreezeAsync(DataSpec spec, IImageSource source, string datasetId, CancellationToken cancellationToken)
    {
        var tally = new QuarantineTally(spec, source.Count);
        var shards = new List<DatasetShard>();
        var missing = new List<int>();
        for (var shard = 0; shard < ShardCount(spec, source); shard++)
        {
            if (await store.ReadJsonAsync<DatasetShardInfo>(BlobNames.DatasetShardInfo(datasetId, shard), cancellationToken) is { } info)
            {
                tally.Add(info.Value);
                shards.Add(info.Value.Shard);
            }
            else
            {
                missing.Add(shard);
            }
        }

        if (missing.Count > 0)
        {
            throw new InvalidOperationException($"Data set {datasetId} cannot be frozen: " +
                $"shards {string.Join(", ", missing.Take(20))} of {shards.Count + missing.Count} are not ingested.");
        }

        await new QuarantineList(store).WriteAsync(datasetId, shards.Count, tally.Bad, cancellationToken);
        RequireRows(shards, tally, spec);
        tally.Require(datasetId);
        var manifest = new DatasetManifest(
            datasetId, DatasetManifest.CurrentSchema, spec.ImageSize, spec.Channels, source.ClassNames, shards.Sum(shard => (long)shard.Rows),
            shards.Sum(shard => (long)shard.HeldOut), tally.Bad, shards, shards.Sum(shard => (long)shard.Captioned));
        var name = BlobNames.DatasetManifest(datasetId);
        await store.TryWriteJsonAsync(name, manifest, WriteCondition.IfAbsent, cancellationToken);
        var standing = await store.ReadJsonAsync<DatasetManifest>(name, cancellationToken)
            ?? throw new InvalidDataException($"{name} was written and is gone.");
        return standing.Value;
    }

    /// <summary>Images of the data set that could not be used, in the order of the source.</summary>
    public async Task<IReadOnlyList<QuarantinedImage>> ReadQuarantineAsync(DatasetManifest manifest, CancellationToken cancellationToken)
    {
        var all = new List<QuarantinedImage>();
        await foreach (var image in new QuarantineList(store).ReadAsync(manifest.Id, manifest.Shards.Count, cancellationToken))
        {
            all.Add(image);
        }

        return all;
    }

    private static void RequireRows(List<DatasetShard> shards, QuarantineTally tally, DataSpec spec)
    {
        var rows = shards.Sum(shard => (long)shard.Rows);
        if (rows == 0)
        {
            throw new UserErrorException($"None of the {tally.Bad} images of '{spec.Source}' can be used: {tally.Examples}. " +
                "Mend them or point data.source elsewhere.");
        }

        if (shards.Sum(shard => (long)shard.HeldOut) == rows)
        {
            throw new UserErrorException(string.Create(CultureInfo.InvariantCulture,
                $"All {rows} images of '{spec.Source}' fall into the held-out share (data.held_out: {spec.HeldOut}), none is left to train on. " +
                    $"Lower the share or give more images."));
        }
    }

    private static async Task<DatasetShardInfo> DescribeAsync(
        DataSpec spec, IImageSource source, int shard, Stream tar, ConcurrentBag<QuarantinedImage> quarantined, CancellationToken cancellationToken)
    {
        var sha256 = Convert.ToHexStringLower(await SHA256.HashDataAsync(tar, cancellationToken));
        tar.Position = 0;
        var used = new HashSet<long>();
        var (heldOut, captioned) = (0, 0);
        foreach (var row in ShardTar.ReadFacts(tar))
        {
            used.Add(row.Row);
            heldOut += row.Facts.HeldOut ? 1 : 0;
            captioned += row.Text is not null ? 1 : 0;
        }

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

        return new DatasetShardInfo(new DatasetShard(shard, used.Count, heldOut, sha256, tar.Length, captioned), lost);
    }

    private void WriteTar(
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

            Progress?.Invoke(at - start + encoded.Length);
        }
    }

    private static ShardRow? Encode(DataSpec spec, IImageSource source, int row, ConcurrentBag<QuarantinedImage> quarantined)
    {
        try
        {
            var image = source.Read(row);
            var planes = image.ToSquare(spec.ImageSize, spec.Channels);
            var hash = SHA256.HashData(planes);
            var isHeldOut = HeldOutRule.IsHeldOut(image, hash, spec.HeldOut);
            var facts = new ShardRowFacts(image.Label, isHeldOut, Convert.ToHexStringLower(hash), image.Name, image.Group);
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
