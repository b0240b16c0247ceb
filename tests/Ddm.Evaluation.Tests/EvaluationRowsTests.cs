using Ddm.Data;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Evaluation.Tests;

public sealed class EvaluationRowsTests : IDisposable
{
    private const string Run = "rows";
    private readonly string folder = Directory.CreateTempSubdirectory("ddm-evaluation-").FullName;

    [Fact]
    public void PixelsSpanMinusOneToOne()
    {
        var rows = new EvaluationRows([0, 255, 51, 204], 1, 1, [0, 1, 2, -1]);
        using var images = rows.Images(1, 3);
        Assert.Equal([3, 1, 1, 1], images.shape);
        Assert.Equal([1f, -0.6f, 0.6f], images.data<float>().ToArray(), (a, b) => Math.Abs(a - b) < 1e-6);
        Assert.False(rows.Labelled);
    }

    [Fact]
    public void LengthsMustAgree()
    {
        Assert.Throws<ArgumentException>(() => new EvaluationRows(new byte[5], 1, 2, [0]));
        Assert.Throws<ArgumentException>(() => new EvaluationRows(new byte[4], 1, 2, [0], [1, 2]));
    }

    [Fact]
    public async Task RowsOfFrozenClustersComeInProportion()
    {
        var data = await FrozenAsync();
        var all = await EvaluationRows.LoadAsync(data, cancellationToken: TestContext.Current.CancellationToken);
        var some = await EvaluationRows.LoadAsync(data, 30, TestContext.Current.CancellationToken);

        Assert.Equal(data.Rows, all.Count);
        Assert.Equal(data.RowsOfCluster, [all.Clusters!.LongCount(k => k == 0), all.Clusters!.LongCount(k => k == 1)]);
        Assert.Equal(30, some.Count);
        Assert.InRange(some.Clusters!.Count(k => k == 0), 9, 11); // a third of the rows
        Assert.All(Enumerable.Range(0, all.Count), row => Assert.Equal(all.Clusters![row] == 0, all.Labels[row] == 0));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // 90 pictures in two classes, one to a third of them; the partition is the class.
    private async Task<ClusterDataset> FrozenAsync()
    {
        var cancellation = TestContext.Current.CancellationToken;
        IBlobStore store = new FileBlobStore(Path.Combine(folder, "blobs"));
        var spec = new DataSpec { Source = Pictures(), ImageSize = 4, Channels = 1, HeldOut = 0, ShardRows = 16 };
        var source = ImageSources.Open(spec, folder);
        var id = DatasetId.For(spec, source);
        var ingest = new DatasetIngest(store);
        for (var shard = 0; shard * spec.ShardRows < source.Count; shard++)
        {
            await ingest.IngestShardAsync(spec, source, id, shard, cancellation);
        }

        var manifest = await ingest.FreezeAsync(spec, source, id, cancellation);
        var reader = new DatasetReader(store, manifest);
        await new ClusterFreezer(store).FreezeAsync(Run, 2, reader, async shard => (await reader.ReadShardAsync(shard, cancellation)).Labels, 0, 16, cancellation);
        return await ClusterDataset.OpenAsync(store, Run, [0, 1], heldOut: false, cancellation);
    }

    private string Pictures()
    {
        var images = new List<byte> { 0, 0, 8, 3, 0, 0, 0, 90, 0, 0, 0, 4, 0, 0, 0, 4 };
        var labels = new List<byte> { 0, 0, 8, 1, 0, 0, 0, 90 };
        for (var i = 0; i < 90; i++)
        {
            images.AddRange(Enumerable.Range(0, 16).Select(p => (byte)(i + p)));
            labels.Add((byte)(i % 3 == 0 ? 0 : 1));
        }

        File.WriteAllBytes(Path.Combine(folder, "images-idx3-ubyte"), [.. images]);
        File.WriteAllBytes(Path.Combine(folder, "labels-idx1-ubyte"), [.. labels]);
        return ".";
    }
}
