using System.Security.Cryptography;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Data.Tests;

public sealed class ClusterTests : IAsyncLifetime
{
    private const string Run = "run";
    private const int Rows = 230, Side = 5, Clusters = 3, ClusterShardRows = 20;

    private readonly TestFolder folder = new();
    private readonly DataSpec spec = new() { Source = ".", ImageSize = Side, Channels = 1, HeldOut = 0.15, ShardRows = 50 };
    private FileBlobStore store = null!;
    private DatasetReader reader = null!;

    public async ValueTask InitializeAsync()
    {
        folder.WriteIdx(Rows, Side);
        store = new FileBlobStore(folder.Combine("store"));
        var source = ImageSources.Open(spec, folder.Path);
        var ingest = new DatasetIngest(store);
        for (var shard = 0; shard < DatasetIngest.ShardCount(spec, source); shard++)
        {
            await ingest.IngestShardAsync(spec, source, "data", shard, Cancel);
        }

        reader = new DatasetReader(store, await ingest.FreezeAsync(spec, source, "data", Cancel));
    }

    public ValueTask DisposeAsync()
    {
        folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task EveryRowIsInExactlyOneShardOfItsClusterAndSide()
    {
        await FreezeAsync(store);
        var heldOutRows = new HashSet<long>();
        for (var shard = 0; shard < reader.Manifest.Shards.Count; shard++)
        {
            var rows = await reader.ReadShardAsync(shard, Cancel);
            heldOutRows.UnionWith(rows.RowIds.Where((_, i) => rows.HeldOut[i]));
        }

        var seen = new List<long>();
        foreach (var heldOut in (bool[])[false, true])
        {
            for (var cluster = 0; cluster < Clusters; cluster++)
            {
                var data = await ClusterDataset.OpenAsync(store, Run, [cluster], heldOut, Cancel);
                await data.LoadAsync(Enumerable.Range(0, data.ShardRows.Length), Cancel);
                Assert.Equal(data.Rows, data.ShardRows.Sum());
                foreach (var (shard, row) in AllRows(data))
                {
                    var pixels = new byte[Side * Side];
                    data.CopyRow(shard, row, pixels, out var label, out var from);
                    var id = data.RowId(shard, row);
                    Assert.Equal(TestFolder.Picture((int)id, Side), pixels);
                    Assert.Equal((id % 3, cluster, heldOut), (label, from, heldOutRows.Contains(id)));
                    Assert.Equal(ClusterOf(id), cluster);
                    seen.Add(id);
                }
            }
        }

        Assert.Equal(Enumerable.Range(0, Rows).Select(i => (long)i), seen.Order());
    }

    [Fact]
    public async Task RowsAreShuffledOverTheWholeCluster()
    {
        await FreezeAsync(store);
        var data = await ClusterDataset.OpenAsync(store, Run, [1], heldOut: false, Cancel);
        await data.LoadAsync([0], Cancel);
        var first = Enumerable.Range(0, data.ShardRows[0]).Select(row => data.RowId(0, row)).ToArray();
        Assert.NotEqual(first.Order(), first);
        Assert.True(first.Max() > Rows / 2, "the first shard holds rows of the data set's second half");
    }

    [Fact]
    public async Task FreezingTwiceOrElsewhereOrInPartsGivesTheSameBytes()
    {
        await FreezeAsync(store);
        var before = Snapshot("store");
        await FreezeAsync(store);
        Assert.Equal(before, Snapshot("store"));

        var other = new FileBlobStore(folder.Combine("other"));
        await FreezeAsync(other, bufferBytes: 3 * ClusterShardRows * Side * Side); // several passes
        Assert.Equal(before, Snapshot("other"));
        var one = new FileBlobStore(folder.Combine("one"));
        await FreezeAsync(one, bufferBytes: 1); // a pass for each shard
        Assert.Equal(before, Snapshot("one"));
    }

    [Fact]
    public async Task AnotherAssignmentDoesNotReplaceAFrozenCluster()
    {
        await FreezeAsync(store);
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => FreezeAsync(store, shift: 1));
        Assert.Contains(BlobNames.ClusterManifest(Run, 0), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnEmptyClusterIsTheUsersError()
    {
        var freezer = new ClusterFreezer(store);
        var error = await Assert.ThrowsAsync<UserErrorException>(() =>
            freezer.FreezeAsync(Run, 2, reader, shard => Task.FromResult(new long[reader.Manifest.Shards[shard].Rows]), 1, 20, Cancel));
        Assert.Contains("Clusters 1 of 2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnAssignmentOfTheWrongLengthIsRefused()
    {
        var freezer = new ClusterFreezer(store);
        await Assert.ThrowsAsync<InvalidDataException>(() => freezer.FreezeAsync(Run, 2, reader, _ => Task.FromResult(new long[3]), 1, 20, Cancel));
    }

    [Fact]
    public async Task AllClustersTogetherAreNumberedThrough()
    {
        await FreezeAsync(store);
        var all = await ClusterDataset.OpenAsync(store, Run, [0, 1, 2], heldOut: false, Cancel);
        var single = new List<ClusterDataset>();
        for (var k = 0; k < Clusters; k++)
        {
            single.Add(await ClusterDataset.OpenAsync(store, Run, [k], heldOut: false, Cancel));
        }

        Assert.Equal(single.Select(data => data.Rows), all.RowsOfCluster);
        Assert.Equal(single.SelectMany(data => data.ShardRows), all.ShardRows);
        Assert.Equal(4, single.Select(data => data.ManifestSha256).Append(all.ManifestSha256).Distinct().Count());
    }

    [Fact]
    public async Task OnlyTheWindowIsResident()
    {
        await FreezeAsync(store);
        var data = await ClusterDataset.OpenAsync(store, Run, [1], heldOut: false, Cancel);
        await data.LoadAsync([0, 1], Cancel);
        await data.LoadAsync([1, 2], Cancel);
        Assert.Equal([false, true, true], Enumerable.Range(0, 3).Select(data.IsLoaded));
        Assert.Throws<InvalidOperationException>(() => data.CopyRow(0, 0, new byte[Side * Side], out _, out _));
    }

    [Fact]
    public async Task ADamagedClusterShardIsRefused()
    {
        await FreezeAsync(store);
        var name = BlobNames.ClusterShard(Run, 0, 0);
        var bytes = (await store.ReadAsync(name, Cancel))!.Bytes;
        bytes[^1] ^= 1;
        await store.TryWriteAsync(name, bytes, WriteCondition.Any, Cancel);
        var data = await ClusterDataset.OpenAsync(store, Run, [0], heldOut: false, Cancel);
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => data.LoadAsync([0], Cancel));
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static int ClusterOf(long row) => (int)(row * row % 7 % Clusters);

    private static IEnumerable<(int Shard, int Row)> AllRows(ClusterDataset data)
        => Enumerable.Range(0, data.ShardRows.Length).SelectMany(shard => Enumerable.Range(0, data.ShardRows[shard]).Select(row => (shard, row)));

    private Task FreezeAsync(FileBlobStore target, int shift = 0, long bufferBytes = 1 << 30)
    {
        var freezer = new ClusterFreezer(target) { BufferBytes = bufferBytes };
        return freezer.FreezeAsync(Run, Clusters, reader, async shard =>
        {
            var rows = await reader.ReadShardAsync(shard, Cancel);
            return Array.ConvertAll(rows.RowIds, row => (long)((ClusterOf(row) + shift) % Clusters));
        }, seed: 5, ClusterShardRows, Cancel);
    }

    private string[] Snapshot(string name)
    {
        var root = Path.Combine(folder.Combine(name), "runs");
        return [.. Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(path => $"{Path.GetRelativePath(root, path)} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)))}")];
    }
}
