using System.Formats.Tar;
using System.Text;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.Data.Tests;

public sealed class CaptionTests : IDisposable
{
    private const int Side = 6, Rows = 60;

    private readonly TestFolder folder = new();
    private readonly DataSpec spec = new() { Source = "data", ImageSize = Side, Channels = 1, HeldOut = 0.2, ShardRows = 25 };

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task CaptionsGoThroughDatasetShardsIntoClusterShards()
    {
        var (store, reader) = await IngestAsync("data", "ds");
        Assert.Equal((2, 40L), (reader.Manifest.Schema, reader.Manifest.CaptionedRows));
        for (var shard = 0; shard < reader.Manifest.Shards.Count; shard++)
        {
            var rows = await reader.ReadShardAsync(shard, Cancel);
            Assert.Equal(rows.RowIds.Select(TextOf), rows.Texts!);
            Assert.Equal(rows.RowIds.Where((_, i) => !rows.HeldOut[i]).Select(TextOf), ImageRows.Training([rows], 1000).Texts!);
        }

        await new ClusterFreezer(store).FreezeAsync(
            "run", 2, reader, async shard => [.. (await reader.ReadShardAsync(shard, Cancel)).RowIds.Select(row => row % 2)], 5, 16, Cancel);
        var seen = 0;
        foreach (var heldOut in (bool[])[false, true])
        {
            var clusters = await ClusterDataset.OpenAsync(store, "run", [0, 1], heldOut, Cancel);
            await clusters.LoadAsync(Enumerable.Range(0, clusters.ShardRows.Length), Cancel);
            for (var shard = 0; shard < clusters.ShardRows.Length; shard++)
            {
                for (var row = 0; row < clusters.ShardRows[shard]; row++, seen++)
                {
                    Assert.Equal(TextOf(clusters.RowId(shard, row)), clusters.TextOf(shard, row));
                }
            }
        }

        Assert.Equal(Rows, seen);
    }

    [Fact]
    public async Task ShardsAreWebDatasetsThatTheTarSourceReads()
    {
        var (store, reader) = await IngestAsync("data", "ds");
        var shards = folder.Combine("shards");
        Directory.CreateDirectory(shards);
        foreach (var shard in reader.Manifest.Shards)
        {
            var content = await store.ReadAsync(BlobNames.DatasetShard("ds", shard.Index), Cancel);
            await File.WriteAllBytesAsync(Path.Combine(shards, $"{shard.Index:D5}.tar"), content!.Bytes, Cancel);
        }

        using (var tar = new TarReader(File.OpenRead(Path.Combine(shards, "00000.tar"))))
        {
            Assert.Equal(["000000000.png", "000000000.json", "000000001.png", "000000001.txt", "000000001.json"],
                Enumerable.Range(0, 5).Select(_ => tar.GetNextEntry()!.Name));
        }

        var source = ImageSources.Open(spec with { Source = "shards" }, folder.Path);
        Assert.Equal(Rows, source.Count);
        for (var row = 0; row < Rows; row++)
        {
            var raw = source.Read(row);
            Assert.Equal((TextOf(row), (long)(row % 3)), (raw.Text, raw.Label));
            Assert.Equal(TestFolder.Picture(row, Side), raw.ToSquare(Side, 1));
        }
    }

    [Fact]
    public async Task WithoutCaptionsShardsHaveNoneAndClusterFilesNoTensorOfThem()
    {
        folder.WriteIdx(Rows, Side);
        var (store, reader) = await IngestAsync(".", "plain");
        Assert.Equal(0, reader.Manifest.CaptionedRows);
        Assert.Null((await reader.ReadShardAsync(0, Cancel)).Texts);
        await new ClusterFreezer(store).FreezeAsync("run", 1, reader, shard => Task.FromResult(new long[reader.Manifest.Shards[shard].Rows]), 5, 100, Cancel);
        var file = (await store.ReadAsync(BlobNames.ClusterShard("run", 0, 0), Cancel))!.Bytes;
        Assert.DoesNotContain("caption", Encoding.ASCII.GetString(file, 0, 400), StringComparison.Ordinal);
        var clusters = await ClusterDataset.OpenAsync(store, "run", [0], heldOut: false, Cancel);
        await clusters.LoadAsync([0], Cancel);
        Assert.Null(clusters.TextOf(0, 0));
    }

    [Fact]
    public async Task AnOlderManifestIsReadAndANewerOneRefused()
    {
        folder.WriteIdx(Rows, Side);
        var (store, reader) = await IngestAsync(".", "plain");
        var name = BlobNames.DatasetManifest("plain");
        var json = Encoding.UTF8.GetString((await store.ReadAsync(name, Cancel))!.Bytes);
        json = System.Text.RegularExpressions.Regex.Replace(json, ",\\s*\"seal\": \"[0-9a-f]*\"", ""); // as a person edits it
        var old = json.Replace("\"schema\": 2", "\"schema\": 1", StringComparison.Ordinal);
        old = System.Text.RegularExpressions.Regex.Replace(old, ",\\s*\"captioned(Rows)?\": 0", "");
        Assert.DoesNotContain("captioned", old, StringComparison.Ordinal);
        await store.TryWriteAsync(name, Encoding.UTF8.GetBytes(old), WriteCondition.Any, Cancel);
        var rows = await (await DatasetReader.OpenAsync(store, "plain", Cancel)).ReadShardAsync(0, Cancel);
        Assert.Equal((25, null), (rows.Count, rows.Texts));

        await store.TryWriteAsync(name, Encoding.UTF8.GetBytes(json.Replace("\"schema\": 2", "\"schema\": 3", StringComparison.Ordinal)), WriteCondition.Any, Cancel);
        var error = await Assert.ThrowsAsync<UserErrorException>(() => DatasetReader.OpenAsync(store, "plain", Cancel));
        Assert.Equal($"{name} has schema 3, this version reads up to 2: upgrade before you go on with the run.", error.Message);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static string? TextOf(long row) => row % 3 == 0 ? null : $"caption größer {row}";

    private async Task<(FileBlobStore Store, DatasetReader Reader)> IngestAsync(string sourceName, string id)
    {
        SampleData.WriteTar(folder.Combine("data/a.tar"), Enumerable.Range(0, Rows)
            .Select(i => new SampleRow($"{i:D4}.png", ImageCodec.EncodePng(TestFolder.Picture(i, Side), 1, Side, Side), TextOf(i), i % 3)));
        var asked = spec with { Source = sourceName };
        var (store, source) = (new FileBlobStore(folder.Combine("store")), ImageSources.Open(asked, folder.Path));
        var ingest = new DatasetIngest(store);
        for (var shard = 0; shard < DatasetIngest.ShardCount(asked, source); shard++)
        {
            await ingest.IngestShardAsync(asked, source, id, shard, Cancel);
        }

        return (store, new DatasetReader(store, await ingest.FreezeAsync(asked, source, id, Cancel)));
    }
}
