using System.Formats.Tar;
using System.Security.Cryptography;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Data.Tests;

public sealed class IngestTests : IDisposable
{
    private const int Rows = 150, Side = 6, ShardRows = 64;

    private readonly TestFolder folder = new();
    private readonly DataSpec spec = new() { Source = ".", ImageSize = Side, Channels = 1, HeldOut = 0.2, ShardRows = ShardRows };

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task EveryImageComesBackAsItWas()
    {
        folder.WriteIdx(Rows, Side);
        var store = Store("a");
        var manifest = await IngestAsync(store);
        Assert.Equal((Rows, 3, 0), ((int)manifest.Rows, manifest.Shards.Count, (int)manifest.Quarantined));
        var reader = new DatasetReader(store, manifest);
        var next = 0;
        var heldOut = 0;
        for (var shard = 0; shard < manifest.Shards.Count; shard++)
        {
            var rows = await reader.ReadShardAsync(shard, Cancel);
            for (var i = 0; i < rows.Count; i++, next++)
            {
                Assert.Equal(next, rows.RowIds[i]);
                Assert.Equal(next % 3, rows.Labels[i]);
                Assert.Equal(TestFolder.Picture(next, Side), rows.Row(i).ToArray());
                heldOut += rows.HeldOut[i] ? 1 : 0;
            }
        }

        Assert.Equal(Rows, next);
        Assert.Equal(manifest.HeldOutRows, heldOut);
        Assert.InRange(heldOut, 10, 55); // 30 expected of distinct pictures
    }

    [Fact]
    public async Task TheSameInputGivesTheSameBytes()
    {
        folder.WriteIdx(Rows, Side);
        var (first, second) = (await IngestAsync(Store("a")), await IngestAsync(Store("b")));
        Assert.Equal(first.ComputeSha256(), second.ComputeSha256());
        Assert.Equal(first.Shards, second.Shards);
        var stored = await Store("a").ReadAsync(BlobNames.DatasetManifest(first.Id), Cancel);
        Assert.Equal(first.ComputeSha256(), Convert.ToHexStringLower(SHA256.HashData(stored!.Bytes)));
    }

    [Fact]
    public async Task RepeatingChangesNothing()
    {
        folder.WriteIdx(Rows, Side);
        var store = Store("a");
        var first = await IngestAsync(store);
        var before = Snapshot("a");
        Assert.Equal(first.ComputeSha256(), (await IngestAsync(store)).ComputeSha256());
        Assert.Equal(before, Snapshot("a"));
    }

    [Fact]
    public async Task ACrashBetweenTarAndRecordIsMended()
    {
        folder.WriteIdx(Rows, Side);
        var store = Store("a");
        var first = await IngestAsync(store);
        await store.DeleteAsync(BlobNames.DatasetManifest(first.Id), Cancel);
        await store.DeleteAsync(BlobNames.DatasetShardInfo(first.Id, 1), Cancel);
        await Assert.ThrowsAsync<InvalidOperationException>(() => new DatasetIngest(store).FreezeAsync(spec, Source(), first.Id, Cancel));
        Assert.Equal(first.ComputeSha256(), (await IngestAsync(store)).ComputeSha256());
    }

    [Fact]
    public async Task CopiesOfAPictureStandOnTheSameSide()
    {
        var images = new byte[60 * Side * Side];
        for (var i = 0; i < 60; i++)
        {
            TestFolder.Picture(i % 20, Side).CopyTo(images, i * Side * Side);
        }

        folder.Write("x-images-idx3-ubyte", TestFolder.Idx(images, 60, Side, Side));
        var store = Store("a");
        var rows = await new DatasetReader(store, await IngestAsync(store)).ReadShardAsync(0, Cancel);
        Assert.InRange(rows.HeldOut.Count(h => h), 1, 59);
        Assert.All(Enumerable.Range(0, 60), i => Assert.Equal(rows.HeldOut[i % 20], rows.HeldOut[i]));
    }

    [Fact]
    public async Task BadPicturesAreListedAndTheRestIsUsed()
    {
        for (var i = 0; i < 8; i++)
        {
            folder.Write($"c/{i}.png", ImageCodec.EncodePng(TestFolder.Picture(i, Side), 1, Side, Side));
        }

        folder.Write("c/3.png", []);
        folder.Write("c/5.png", ImageCodec.EncodePng(TestFolder.Picture(5, Side), 1, Side, Side)[..40]);
        folder.Write("c/6.png", "no picture at all"u8.ToArray());
        var store = Store("a");
        var manifest = await IngestAsync(store, spec with { MaxBad = 0.4 });
        Assert.Equal((5, 3), ((int)manifest.Rows, (int)manifest.Quarantined));
        var bad = await new DatasetIngest(store).ReadQuarantineAsync(manifest, Cancel);
        Assert.Equal(["c/3.png", "c/5.png", "c/6.png"], bad.Select(image => image.Source));
        Assert.All(bad, image => Assert.NotEmpty(image.Reason));
        var rows = await new DatasetReader(store, manifest).ReadShardAsync(0, Cancel);
        Assert.Equal([0L, 1, 2, 4, 7], rows.RowIds);

        var list = await store.ReadAsync(BlobNames.Quarantine(manifest.Id), Cancel);
        var lines = System.Text.Encoding.UTF8.GetString(list!.Bytes).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length);
        Assert.Equal("""{"row":3,"source":"c/3.png","reason":"empty file"}""", lines[0]);
    }

    [Theory]
    [InlineData(0.3, false)] // 3 of 10 are allowed
    [InlineData(0.29, true)]
    [InlineData(0, true)]
    public async Task TheIngestFailsOnlyAboveTheSetShare(double share, bool fails)
    {
        for (var i = 0; i < 10; i++)
        {
            folder.Write($"c/{i}.png", i < 3 ? [] : ImageCodec.EncodePng(TestFolder.Picture(i, Side), 1, Side, Side));
        }

        var store = Store("a");
        if (!fails)
        {
            Assert.Equal(7, (await IngestAsync(store, spec with { MaxBad = share })).Rows);
            return;
        }

        var error = await Assert.ThrowsAsync<UserErrorException>(() => IngestAsync(store, spec with { MaxBad = share }));
        var list = BlobNames.Quarantine(DatasetId.For(spec, Source()));
        Assert.Equal(
            $"3 of 10 images of '.' cannot be used, and data.max_bad {share.ToString(System.Globalization.CultureInfo.InvariantCulture)} allows {(share > 0 ? 2 : 0)}. " +
            $"The first: c/0.png: empty file; c/1.png: empty file; c/2.png: empty file. All are listed in {list} under the home folder. " +
            "Mend or remove them, or give a larger data.max_bad in a spec of another name.",
            error.Message);
        Assert.True(await store.ExistsAsync(list, Cancel));

        // Nothing is lost: with a larger share the same shards are sealed.
        Assert.Equal(7, (await IngestAsync(store, spec with { MaxBad = 0.5 })).Rows);
        await Assert.ThrowsAsync<UserErrorException>(() => IngestAsync(store, spec with { MaxBad = share })); // though the manifest stands now
    }

    [Fact]
    public void TooMuchIsKnownAsSoonAsItIsCertain()
    {
        var tally = new QuarantineTally(new DataSpec { Source = "x", ImageSize = 8, MaxBad = 0.1 }, total: 100);
        tally.Add(Info(0, good: 15, bad: 5));
        tally.Add(Info(0, good: 15, bad: 5)); // the same shard again
        tally.Add(Info(1, good: 15, bad: 5));
        Assert.Equal((40, 10, false), (tally.Seen, tally.Bad, tally.IsTooMuch));
        tally.Add(Info(2, good: 19, bad: 1));
        Assert.True(tally.IsTooMuch);
        var error = Assert.Throws<UserErrorException>(() => tally.Require("d"));
        Assert.StartsWith("11 of the first 60 of 100 images of 'x' cannot be used, and data.max_bad 0.1 allows 10. The first: 0: bad; 1: bad; 2: bad.", error.Message, StringComparison.Ordinal);

        static DatasetShardInfo Info(int shard, int good, int bad)
            => new(new DatasetShard(shard, good, 0, "", 0), [.. Enumerable.Range(0, bad).Select(i => new QuarantinedImage((20 * shard) + i, $"{i}", "bad"))]);
    }

    [Fact]
    public async Task NothingLeftToTrainOnIsTheUsersError()
    {
        folder.WriteIdx(3, Side);
        var error = await Assert.ThrowsAsync<UserErrorException>(() => IngestAsync(Store("a"), spec with { HeldOut = 1 }));
        Assert.Equal(
            "All 3 images of '.' fall into the held-out share (data.held_out: 1), none is left to train on. Lower the share or give more images.", error.Message);
    }

    [Fact]
    public async Task NoGoodPictureAtAllIsTheUsersError()
    {
        folder.Write("c/1.png", []);
        folder.Write("c/2.png", "text"u8.ToArray());
        var error = await Assert.ThrowsAsync<UserErrorException>(() => IngestAsync(Store("a")));
        Assert.Equal(
            "None of the 2 images of '.' can be used: c/1.png: empty file; c/2.png: no picture by its first bytes; only PNG, JPEG and WebP are decoded. " +
            "Mend them or point data.source elsewhere.", error.Message);
    }

    [Fact]
    public async Task ADamagedShardIsRefusedByName()
    {
        folder.WriteIdx(Rows, Side);
        var store = Store("a");
        var manifest = await IngestAsync(store);
        var name = BlobNames.DatasetShard(manifest.Id, 2);
        var bytes = (await store.ReadAsync(name, Cancel))!.Bytes;
        bytes[^600] ^= 1;
        await store.TryWriteAsync(name, bytes, WriteCondition.Any, Cancel);
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => new DatasetReader(store, manifest).ReadShardAsync(2, Cancel));
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ShardsAreTarsThatOthersRead()
    {
        folder.WriteIdx(5, Side);
        var store = Store("a");
        var manifest = await IngestAsync(store);
        var content = await store.ReadAsync(BlobNames.DatasetShard(manifest.Id, 0), Cancel);
        using var tar = new TarReader(new MemoryStream(content!.Bytes));
        var names = new List<string>();
        while (tar.GetNextEntry() is { } entry)
        {
            names.Add(entry.Name);
            Assert.Equal(DateTimeOffset.UnixEpoch, entry.ModificationTime);
        }

        Assert.Equal(["000000000.png", "000000000.json", "000000001.png"], names[..3]);
        Assert.Equal(10, names.Count);
    }

    [Fact]
    public void IdsTellDataSetsApart()
    {
        folder.WriteIdx(5, Side);
        var id = DatasetId.For(spec, Source());
        Assert.Equal(id, DatasetId.For(spec, Source()));
        DataSpec[] others = [spec with { ImageSize = 8 }, spec with { Channels = 3 }, spec with { HeldOut = 0.1 }, spec with { ShardRows = 7 }];
        Assert.All(others, other => Assert.NotEqual(id, DatasetId.For(other, Source())));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private FileBlobStore Store(string name) => new(folder.Combine("store-" + name));

    private IImageSource Source() => ImageSources.Open(spec, folder.Path);

    private async Task<DatasetManifest> IngestAsync(FileBlobStore store, DataSpec? other = null)
    {
        var spec = other ?? this.spec;
        var (source, ingest) = (Source(), new DatasetIngest(store));
        var id = DatasetId.For(spec, source);
        for (var shard = 0; shard < DatasetIngest.ShardCount(spec, source); shard++)
        {
            await ingest.IngestShardAsync(spec, source, id, shard, Cancel);
        }

        return await ingest.FreezeAsync(spec, source, id, Cancel);
    }

    private string[] Snapshot(string name) =>
        [.. Directory.EnumerateFiles(folder.Combine("store-" + name), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Where(path => !path.Contains(".locks", StringComparison.Ordinal))
            .Select(path => $"{path} {File.GetLastWriteTimeUtc(path).Ticks} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)))}")];
}
