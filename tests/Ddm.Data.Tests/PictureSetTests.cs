using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Data.Tests;

public sealed class PictureSetTests : IDisposable
{
    private const int Side = 6;

    private readonly TestFolder folder = new();
    private readonly DataSpec spec = new() { Source = ".", ImageSize = Side, Channels = 1, HeldOut = 0.2, ShardRows = 64 };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task PicturesAndHeldOutOnesAreThoseOfTheIngest()
    {
        folder.WriteIdx(150, Side);
        var set = Read();
        var (store, source) = (new FileBlobStore(folder.Combine("store")), Source());
        var (ingest, id) = (new DatasetIngest(store), DatasetId.For(spec, source));
        for (var shard = 0; shard < DatasetIngest.ShardCount(spec, source); shard++)
        {
            await ingest.IngestShardAsync(spec, source, id, shard, Cancel);
        }

        var reader = new DatasetReader(store, await ingest.FreezeAsync(spec, source, id, Cancel));
        var at = 0;
        for (var shard = 0; shard < 3; shard++)
        {
            var rows = await reader.ReadShardAsync(shard, Cancel);
            for (var i = 0; i < rows.Count; i++, at++)
            {
                Assert.Equal((rows.HeldOut[i], rows.Labels[i], rows.RowIds[i]), (set.Rows.HeldOut[at], set.Rows.Labels[at], set.Rows.RowIds[at]));
                Assert.Equal(rows.Row(i), set.Rows.Row(at));
            }
        }

        Assert.Equal((150, 150), (at, set.Rows.Count));
        Assert.Equal(Enumerable.Range(0, 150), set.Training.Concat(set.HeldOut).Order());
        Assert.All(set.HeldOut, place => Assert.True(set.Rows.HeldOut[place]));
        Assert.NotEmpty(set.HeldOut);
    }

    [Fact]
    public void BadPicturesAreListedAndLeftOut()
    {
        WritePictures(20);
        folder.Write("c/05bad.png", "text"u8.ToArray());
        var set = Read();
        Assert.Equal(20, set.Rows.Count);
        Assert.Equal(20 * Side * Side, set.Rows.Pixels.Length);
        var bad = Assert.Single(set.Bad);
        Assert.Equal((6, "c/05bad.png"), (bad.Row, bad.Source));
        Assert.DoesNotContain(6, set.Rows.RowIds);
    }

    [Fact]
    public void TooManyBadPicturesAreTheUsersError()
    {
        WritePictures(8);
        folder.Write("c/a.png", []);
        folder.Write("c/b.png", []);
        Assert.Equal(
            "2 of 10 pictures of '.' cannot be used, and 1 may be so. The first: c/a.png: empty file; c/b.png: empty file. Mend or remove them.",
            Assert.Throws<UserErrorException>(Read).Message);
    }

    [Fact]
    public void PicturesThatAreAllHeldOutAreTheUsersError()
    {
        WritePictures(2);
        var error = Assert.Throws<UserErrorException>(() => PictureSet.Read(spec with { HeldOut = 1 }, Source(), 1 << 20, 0, null, Cancel));
        Assert.StartsWith("All 2 pictures of '.' fall into the held-out share of 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OfMoreThanMemoryHoldsTheSeedDraws()
    {
        WritePictures(40);
        var (first, again, other) = (Drawn(1), Drawn(1), Drawn(2));
        Assert.Equal(10, first.Rows.Count);
        Assert.Equal(40, first.Listed);
        Assert.Equal(first.Rows.RowIds, first.Rows.RowIds.Order());
        Assert.Equal(first.Rows.RowIds, again.Rows.RowIds);
        Assert.Equal(first.Sha256, again.Sha256);
        Assert.NotEqual(first.Rows.RowIds, other.Rows.RowIds);
        Assert.NotEqual(first.Sha256, other.Sha256);

        PictureSet Drawn(long seed) => PictureSet.Read(spec, Source(), (10 * Side * Side) + 5, seed, null, Cancel);
    }

    public void Dispose() => folder.Dispose();

    private void WritePictures(int count)
    {
        for (var i = 0; i < count; i++)
        {
            folder.Write($"c/{i:D2}.png", ImageCodec.EncodePng(TestFolder.Picture(i, Side), 1, Side, Side));
        }
    }

    private PictureSet Read() => PictureSet.Read(spec, Source(), 1 << 20, 0, null, Cancel);

    private IImageSource Source() => ImageSources.Open(spec, folder.Path);
}
