using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;
using Parquet;
using Parquet.Schema;

namespace Ddm.Data.Tests;

public sealed class GroupTests : IDisposable
{
    private const int Rows = 400, Side = 6;

    private readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("metadata")]
    [InlineData("tar")]
    [InlineData("parquet")]
    public async Task AGroupStandsOnOneSideAndItsTextAloneDecidesWhich(string kind)
    {
        var source = await OpenAsync(kind, GroupOf);
        var rows = (await IngestAsync(source)).SelectMany(shard => shard).ToList();
        Assert.Equal(Rows, rows.Count);
        var groups = rows.Where(row => row.Facts.Group is not null).GroupBy(row => row.Facts.Group!).ToList();
        Assert.Equal(80, groups.Count);
        Assert.All(groups, group => Assert.Single(group.Select(row => row.Facts.HeldOut).Distinct()));
        Assert.All(groups, group => Assert.Equal(group.First().Facts.HeldOut, Fraction(SHA256.HashData(Encoding.UTF8.GetBytes("group:" + group.Key))) < 0.25));
        Assert.InRange(groups.Count(group => group.First().Facts.HeldOut), 10, 32); // 20 expected

        // Its row alone decides where a picture has no group.
        var alone = rows.Where(row => row.Facts.Group is null).ToList();
        Assert.Equal(Rows / 5, alone.Count);
        Assert.All(alone, row => Assert.Equal(row.Facts.HeldOut, Fraction(Convert.FromHexString(row.Facts.Sha256)) < 0.25));
    }

    [Fact]
    public async Task RowsWithoutAGroupKeepTheirBytes()
    {
        var row = (await IngestAsync(await OpenAsync("tar", _ => null)))[0][0];
        Assert.Equal($$"""{"label":-1,"heldOut":{{(row.Facts.HeldOut ? "true" : "false")}},"sha256":"{{row.Facts.Sha256}}","source":"{{row.Facts.Source}}"}""",
            Encoding.UTF8.GetString(row.Facts.Serialize()));
    }

    [Theory] // what had a name before groups were read keeps it; what has groups is not taken for what was made of the same files then
    [InlineData("metadata", false, "")]
    [InlineData("metadata", true, "groups")]
    [InlineData("tar", false, "")]
    [InlineData("tar", true, "groups")]
    [InlineData("parquet", false, "")]
    [InlineData("parquet", true, "groups")]
    public async Task OnlyADataSetWithGroupsHasAnotherFingerprintThanBefore(string kind, bool hasGroups, string suffix)
    {
        var source = await OpenAsync(kind, hasGroups ? GroupOf : _ => null);
        var known = new StringBuilder(kind);
        if (kind == "metadata")
        {
            foreach (var (line, i) in File.ReadAllLines(folder.Combine("metadata.jsonl")).Select((line, i) => (line, i)))
            {
                known.Append(line).Append('\n').Append(LengthAndTime($"{i:D3}.png"));
            }
        }
        else
        {
            known.Append("a.").Append(kind).Append('\n').Append(LengthAndTime("a." + kind));
        }

        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(known + suffix))), source.Fingerprint);
    }

    [Fact]
    public void NumbersAndTextsAreOneKindOfGroupAndAnEmptyOneIsNone()
    {
        var png = ImageCodec.EncodePng(new byte[16], 1, 4, 4);
        string[] groups = ["7", "\" 7 \"", "18446744073709551615", "\"\"", "null", "-3"];
        for (var i = 0; i < groups.Length; i++)
        {
            folder.Write($"{i}.png", png);
        }

        WriteLines(groups.Select((group, i) => $"{{\"file_name\": \"{i}.png\", \"group\": {group}}}"));
        var source = Open(".");
        Assert.Equal(["7", "7", "18446744073709551615", null, null, "-3"], Enumerable.Range(0, groups.Length).Select(row => source.Read(row).Group));
    }

    [Fact]
    public async Task WholeNumbersInAParquetColumnAreGroups()
    {
        await WriteParquetAsync("n.parquet", new DataField<ulong>("group"), (writer, field) => writer.WriteAsync<ulong>(field, new ulong[] { 7, ulong.MaxValue }, null, null, Cancel));
        var source = Open("n.parquet");
        Assert.Equal(["7", "18446744073709551615"], Enumerable.Range(0, 2).Select(row => source.Read(row).Group));
    }

    [Fact]
    public async Task AGroupThatIsNeitherTextNorAWholeNumberIsRefusedWithItsPlace()
    {
        var png = ImageCodec.EncodePng(new byte[16], 1, 4, 4);
        string[] wrong = ["[\"a\"]", "1.5", "true", $"\"{new string('x', 1025)}\""];
        string[] reasons = ["is a list where text or a whole number was due", "is a number where text or a whole number was due",
            "is true or false where text or a whole number was due", "has 1,025 bytes; a group has at most 1,024"];
        for (var i = 0; i < wrong.Length; i++)
        {
            folder.Write($"{i}.png", png);
        }

        WriteLines(wrong.Select((group, i) => $"{{\"file_name\": \"{i}.png\", \"group\": {group}}}"));
        Assert.Equal(reasons.Select((reason, i) => $"  metadata.jsonl:{i + 1}: \"group\" {reason}"),
            Assert.Throws<UserErrorException>(() => Open(".")).Message.Split(Environment.NewLine)[1..]);

        SampleData.WriteTar(folder.Combine("a.tar"), wrong.SelectMany((group, i) => new (string, byte[])[]
        {
            ($"{i}.png", png), ($"{i}.json", Encoding.UTF8.GetBytes($"{{\"group\": {group}}}")),
        }));
        var tar = Open("a.tar");
        Assert.Equal(reasons.Select(reason => $"its .json \"group\" {reason}"), Enumerable.Range(0, wrong.Length).Select(row => Assert.Throws<BadImageException>(() => tar.Read(row)).Message));

        await WriteParquetAsync("f.parquet", new DataField<double>("group"), (writer, field) => writer.WriteAsync<double>(field, new double[] { 1, 2 }, null, null, Cancel));
        Assert.StartsWith($"'{folder.Combine("f.parquet")}' has a column 'group' that is neither text nor whole numbers (Double).",
            Assert.Throws<UserErrorException>(() => Open("f.parquet")).Message, StringComparison.Ordinal);
        await WriteParquetAsync("l.parquet", new DataField<string>("group"), (writer, field) => writer.WriteAsync(field, (string[])["a", new string('x', 1025)], null));
        var parquet = Open("l.parquet");
        Assert.Equal("a", parquet.Read(0).Group);
        Assert.Equal("its group has 1,025 bytes; a group has at most 1,024", Assert.Throws<BadImageException>(() => parquet.Read(1)).Message);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // Four of five rows are in groups of four, which lie far apart in the source.
    private static string? GroupOf(int row) => row % 5 == 0 ? null : string.Create(CultureInfo.InvariantCulture, $"größe {row % 5 * 20 + row / 5 % 20}");

    private static double Fraction(byte[] sha256) => System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(sha256) / Math.Pow(2, 64);

    private string LengthAndTime(string name)
    {
        var file = new FileInfo(folder.Combine(name));
        return string.Create(CultureInfo.InvariantCulture, $"{file.Length}\n{file.LastWriteTimeUtc.Ticks}\n");
    }

    private async Task<IImageSource> OpenAsync(string kind, Func<int, string?> groupOf)
    {
        var rows = Enumerable.Range(0, Rows)
            .Select(i => new SampleRow($"{i:D3}.png", ImageCodec.EncodePng(TestFolder.Picture(i, Side), 1, Side, Side), Group: groupOf(i))).ToList();
        switch (kind)
        {
            case "metadata":
                SampleData.WriteMetadataFolder(folder.Path, rows);
                return Open(".");
            case "tar":
                SampleData.WriteTar(folder.Combine("a.tar"), rows);
                return Open("a.tar");
            default:
                await SampleData.WriteParquetAsync(folder.Combine("a.parquet"), rows, 70);
                return Open("a.parquet");
        }
    }

    private async Task<List<List<ShardRow>>> IngestAsync(IImageSource source)
    {
        var spec = new DataSpec { Source = ".", ImageSize = Side, Channels = 1, HeldOut = 0.25, ShardRows = 128 };
        var store = new FileBlobStore(folder.Combine("store"));
        var (ingest, id) = (new DatasetIngest(store), DatasetId.For(spec, source));
        var shards = new List<List<ShardRow>>();
        for (var shard = 0; shard < DatasetIngest.ShardCount(spec, source); shard++)
        {
            await ingest.IngestShardAsync(spec, source, id, shard, Cancel);
            shards.Add([.. ShardTar.Read(new MemoryStream((await store.ReadAsync(BlobNames.DatasetShard(id, shard), Cancel))!.Bytes))]);
        }

        return shards;
    }

    private async Task WriteParquetAsync(string name, DataField group, Func<ParquetRowGroupWriter, DataField, Task> write)
    {
        var schema = new ParquetSchema(new DataField<byte[]>("image"), group);
        await using var file = File.Create(folder.Combine(name));
        await using var parquet = await ParquetWriter.CreateAsync(schema, file, cancellationToken: Cancel);
        using var writer = parquet.CreateRowGroup();
        await writer.WriteAsync(schema.DataFields[0], (byte[][])[[1], [2]], null);
        await write(writer, schema.DataFields[1]);
        writer.CompleteValidate();
    }

    private void WriteLines(IEnumerable<string> lines) => folder.Write("metadata.jsonl", Encoding.UTF8.GetBytes(string.Join('\n', lines)));

    private IImageSource Open(string source) => ImageSources.Open(new DataSpec { Source = source, ImageSize = 4, Channels = 1 }, folder.Path);
}
