using Ddm.Data;
using Ddm.Runs;
using Ddm.Tests;

namespace Ddm.Services.Tests;

public class SourceKindsTests
{
    [Theory]
    [InlineData("metadata")]
    [InlineData("loose")]
    [InlineData("tar")]
    [InlineData("parquet")]
    public async Task ARunGoesAllTheWayFromEachKindOfSourceWithItsCaptions(string kind)
    {
        using var tiny = new TinyRun();
        Directory.Delete(tiny.Pictures, recursive: true);
        await WriteAsync(kind, tiny.Pictures);

        var document = await tiny.RunAsync();

        Assert.Equal((RunStatus.Succeeded, RunStage.Done, null), (document.Status, document.Stage, document.Failure));
        var dataset = await DatasetReader.OpenAsync(tiny.Blobs, document.DatasetId!, TestContext.Current.CancellationToken);
        Assert.Equal((TinyFolder.Rows, TinyFolder.Rows), (dataset.Manifest.Rows, dataset.Manifest.CaptionedRows));
        Assert.Equal(kind == "loose" ? [] : ["0", "1"], dataset.Manifest.ClassNames);
        var first = await dataset.ReadShardAsync(0, TestContext.Current.CancellationToken);
        Assert.Equal(TinyFolder.Picture(5), first.Row(5).ToArray());
        var clusters = await ClusterDataset.OpenAsync(tiny.Blobs, TinyRun.Name, [0, 1], heldOut: false, TestContext.Current.CancellationToken);
        await clusters.LoadAsync([0], TestContext.Current.CancellationToken);
        Assert.Equal(TextOf((int)clusters.RowId(0, 3)), clusters.TextOf(0, 3));
    }

    [Fact]
    public async Task PicturesThatChangedSinceTheRunWasMadeAreNotMixedIntoIt()
    {
        using var tiny = new TinyRun();
        using (var stop = new StopSignal())
        {
            stop.Raise();
            await tiny.RunAsync(stop: stop);
        }

        Directory.Delete(tiny.Pictures, recursive: true);
        await WriteAsync("loose", tiny.Pictures);

        var document = await tiny.RunAsync();

        Assert.Equal(RunStatus.Failed, document.Status);
        Assert.StartsWith("data.source 'pictures' has changed since run 'tiny' was made from it: ", document.Failure, StringComparison.Ordinal);
    }

    private static string TextOf(int row) => $"picture number {row}";

    private static async Task WriteAsync(string kind, string folder)
    {
        var rows = Enumerable.Range(0, TinyFolder.Rows).Select(i => new SampleRow(
            $"{i:D4}.png", ImageCodec.EncodePng(TinyFolder.Picture(i), 1, TinyFolder.Side, TinyFolder.Side), TextOf(i), kind == "loose" ? null : i % 2)).ToList();
        switch (kind)
        {
            case "metadata":
                SampleData.WriteMetadataFolder(folder, rows);
                break;
            case "loose":
                SampleData.WriteLooseFolder(folder, rows);
                break;
            case "tar":
                SampleData.WriteTar(Path.Combine(folder, "a-000000.tar"), rows.Take(130));
                SampleData.WriteTar(Path.Combine(folder, "a-000001.tar"), rows.Skip(130));
                break;
            default:
                await SampleData.WriteParquetAsync(Path.Combine(folder, "data", "train-00000-of-00001.parquet"), rows, 50);
                break;
        }
    }
}
