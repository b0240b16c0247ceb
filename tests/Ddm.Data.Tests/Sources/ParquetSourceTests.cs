using System.Text;
using Ddm.Runs;
using Ddm.Tests;
using Parquet;
using Parquet.Schema;

namespace Ddm.Data.Tests;

public sealed class ParquetSourceTests : IDisposable
{
    private readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task RowsOfSeveralFilesAndGroupsComeInOrderWithTheirClassNames()
    {
        await WriteAsync("data/train-00000-of-00002.parquet", 0, 25, "cat", "dog", "eel");
        await WriteAsync("data/train-00001-of-00002.parquet", 25, 10, "cat", "dog", "eel");
        await WriteAsync("data/test-00000-of-00001.parquet", 90, 5, "cat", "dog", "eel");
        var source = Open(".");
        Assert.Equal(35, source.Count);
        Assert.Equal(["cat", "dog", "eel"], source.ClassNames);
        Assert.Equal(("train-00001-of-00002.parquet[0]", "train-00001-of-00002.parquet[9]"), (source.NameOf(25), source.NameOf(34)));
        Parallel.For(0, 350, i =>
        {
            var row = source.Read(i * 13 % 35);
            var number = i * 13 % 35;
            Assert.Equal($"picture {number}", Encoding.UTF8.GetString(row.Encoded!));
            Assert.Equal((number % 4 == 0 ? null : $"caption {number}", (long)(number % 3)), (row.Text, row.Label));
        });
    }

    [Fact]
    public async Task PlainBytesAndListsOfTextsAndClassNamesAreRead()
    {
        var schema = new ParquetSchema(
            new DataField<string>("label"), new DataField<int>("id"), new DataField<byte[]>("image"), new ListField("text", new DataField<string>("element")));
        await using (var file = File.Create(folder.Combine("x.parquet")))
        {
            await using var parquet = await ParquetWriter.CreateAsync(schema, file, cancellationToken: Cancel);
            using var group = parquet.CreateRowGroup();
            var fields = schema.DataFields;
            var most = fields[3].MaxDefinitionLevel;
            await group.WriteAsync(fields[0], (string[])["b", "a", null!, "b"], null);
            await group.WriteAsync<int>(fields[1], new int[] { 1, 2, 3, 4 }, null, null, Cancel);
            await group.WriteAsync(fields[2], (byte[][])[[1], [2], [3], [4]], null);
            await group.WriteAllPartsAsync<ReadOnlyMemory<char>>(
                fields[3], (ReadOnlyMemory<char>[])["p".AsMemory(), "q".AsMemory(), "r".AsMemory()], new int[] { most, most, 0, 1, most }, new int[] { 0, 1, 0, 0, 0 }, Cancel);
            group.CompleteValidate();
        }

        var source = Open("x.parquet");
        Assert.Equal(["a", "b"], source.ClassNames);
        var rows = Enumerable.Range(0, 4).Select(source.Read).ToList();
        Assert.Equal([1L, 0, -1, 1], rows.Select(row => row.Label));
        Assert.Equal([1, 2, 3, 4], rows.Select(row => row.Encoded!.Single()));
        Assert.Equal(["p", null, null, "r"], rows.Select(row => row.Text));
    }

    [Fact]
    public async Task ARowWithAPathAloneIsQuarantined()
    {
        await SampleData.WriteParquetAsync(folder.Combine("a.parquet"), [new("/etc/passwd", []), new("b.png", [1])], 10);
        var source = Open("a.parquet");
        Assert.Equal("has no bytes; a path alone is not followed", Assert.Throws<BadImageException>(() => source.Read(0)).Message);
        Assert.Equal([1], source.Read(1).Encoded);
        Assert.Empty(source.ClassNames);
    }

    [Fact]
    public async Task WrongColumnsAndDamagedFilesAreRefusedWithTheRemedy()
    {
        var schema = new ParquetSchema(new DataField<string>("picture"), new DataField<long>("label"));
        await using (var file = File.Create(folder.Combine("x.parquet")))
        {
            await using var parquet = await ParquetWriter.CreateAsync(schema, file, cancellationToken: Cancel);
            using var group = parquet.CreateRowGroup();
            await group.WriteAsync(schema.DataFields[0], (string[])["a"], null);
            await group.WriteAsync<long>(schema.DataFields[1], new long[] { 1 }, null, null, Cancel);
        }

        Assert.Equal($"'{folder.Combine("x.parquet")}' has no column 'image' (it has: picture, label). Give the pictures as a column 'image' of bytes or of " +
            "structs {bytes, path}, captions as 'text', classes as 'label', groups as 'group'.", Assert.Throws<UserErrorException>(() => Open("x.parquet")).Message);
        await WriteAsync("a.parquet", 0, 10);
        var bytes = File.ReadAllBytes(folder.Combine("a.parquet"));
        folder.Write("cut.parquet", bytes[..^50]);
        folder.Write("text.parquet", "no parquet at all"u8.ToArray());
        foreach (var name in (string[])["cut.parquet", "text.parquet"])
        {
            Assert.StartsWith($"'{folder.Combine(name)}' is no sound parquet file: ", Assert.Throws<UserErrorException>(() => Open(name)).Message, StringComparison.Ordinal);
        }

        await WriteAsync("b/a.parquet", 0, 10, "one");
        Assert.Equal($"'{folder.Combine("b/a.parquet")}' uses labels up to 2, but the list of names in it has 1 names. Name every class, in the order of the labels.",
            Assert.Throws<UserErrorException>(() => Open("b/a.parquet")).Message);
    }

    [Fact]
    public async Task DamagedPagesLoseTheirRowGroupAlone()
    {
        await WriteAsync("a.parquet", 0, 20);
        var bytes = File.ReadAllBytes(folder.Combine("a.parquet"));
        bytes.AsSpan(4, 12).Fill(0xFF); // the first page's header
        folder.Write("a.parquet", bytes);
        var source = Open("a.parquet");
        Assert.StartsWith("row group 0 cannot be read: ", Assert.Throws<BadImageException>(() => source.Read(3)).Message, StringComparison.Ordinal);
        Assert.Equal("picture 15", Encoding.UTF8.GetString(source.Read(15).Encoded!));
    }

    [Fact]
    public async Task SplitsWithoutTrainAreNamed()
    {
        await WriteAsync("test-00000-of-00001.parquet", 0, 2);
        await WriteAsync("dev-00000-of-00001.parquet", 0, 2);
        Assert.Contains("several kinds (dev, test)", Assert.Throws<UserErrorException>(() => Open(".")).Message, StringComparison.Ordinal);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // Row groups of 7 rows.
    private Task WriteAsync(string name, int first, int count, params string[] classNames) => SampleData.WriteParquetAsync(
        folder.Combine(name),
        [.. Enumerable.Range(first, count).Select(i => new SampleRow($"{i}.png", Encoding.UTF8.GetBytes($"picture {i}"), i % 4 == 0 ? null : $"caption {i}", i % 3))],
        7,
        classNames);

    private IImageSource Open(string source) => ImageSources.Open(new DataSpec { Source = source, ImageSize = 4, Channels = 1 }, folder.Path);
}
