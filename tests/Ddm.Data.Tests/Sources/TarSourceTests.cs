using System.Diagnostics;
using System.Formats.Tar;
using System.Text;
using Ddm.Runs;
using Ddm.Tests;

namespace Ddm.Data.Tests;

public sealed class TarSourceTests : IDisposable
{
    private readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void MembersOfOneBaseNameAreOnePicture()
    {
        Write("a.tar",
            ("./one.jpg", P(1)), ("./one.txt", B("\uFEFF one caption\n")), ("./one.cls", B("1\n")),
            ("dir.v2/two.seg.png", P(9)), ("dir.v2/two.PNG", P(2)), ("dir.v2/two.json", B("""{"caption": "two", "label": 0, "url": "http://x"}""")),
            ("three.json", B("""{"text": ["first", "second"], "cls": 1}""")), ("three.webp", P(3)), ("three.txt", B("text wins")),
            ("README.md", B("nothing")), ("._one.jpg", B("mac")), ("__index__", B("x")));
        var source = Open("a.tar");
        Assert.Equal(["a.tar/one.jpg", "a.tar/dir.v2/two.PNG", "a.tar/three.webp"], Names(source));
        Assert.Equal([P(1), P(2), P(3)], Rows(source).Select(row => row.Encoded));
        Assert.Equal(["one caption", "two", "text wins"], Rows(source).Select(row => row.Text));
        Assert.Equal([1L, 0, 1], Rows(source).Select(row => row.Label));
        Assert.Equal(["0", "1"], source.ClassNames);
    }

    [Fact]
    public void AFolderAndAPatternGiveTheShardsInOrder()
    {
        for (var shard = 0; shard < 3; shard++)
        {
            SampleData.WriteTar(folder.Combine($"s-{shard:D6}.tar"), Enumerable.Range(0, shard == 1 ? 0 : 2).Select(i => new SampleRow($"{i}.png", P((10 * shard) + i))));
        }

        foreach (var source in (IImageSource[])[Open("."), Open("s-{000000..000002}.tar"), Open("{s-000000,s-000001,s-000002}.tar")])
        {
            Assert.Equal([P(0), P(1), P(20), P(21)], Rows(source).Select(row => row.Encoded));
            Assert.Equal("s-000002.tar/0.png", source.NameOf(2));
        }

        Assert.Equal([P(1)], Rows(Open("s-{000000..000000}.tar")).Skip(1).Select(row => row.Encoded));
        var error = Assert.Throws<UserErrorException>(() => Open("s-{000001..000004}.tar"));
        Assert.Equal($"data.source '{folder.Combine("s-{000001..000004}.tar")}' stands for 4 files, of which 2 are not there: 's-000003.tar', 's-000004.tar'.", error.Message);
    }

    [Fact]
    public void ForbiddenMembersAreQuarantinedByNameAndReasonAndNothingIsWritten()
    {
        string[] before = Everything();
        SampleData.WriteTar(folder.Combine("a.tar"), (TarEntry[])
        [
            SampleData.Member("good.png", P(1)),
            SampleData.Member("../../up.png", P(2)),
            SampleData.Member("/abs.png", P(3)),
            SampleData.Member("C:\\win.png", P(3)),
            Link(TarEntryType.SymbolicLink, "soft.png", "/etc/passwd"),
            Link(TarEntryType.HardLink, "hard.png", "good.png"),
            new GnuTarEntry(TarEntryType.CharacterDevice, "dev.png"),
            new GnuTarEntry(TarEntryType.Fifo, "fifo.png"),
            SampleData.Member("cap.png", P(4)),
            Link(TarEntryType.SymbolicLink, "cap.txt", "/etc/passwd"),
            Link(TarEntryType.SymbolicLink, "lone", "/"),
            SampleData.Member("in/ner.tar", P(5)),
            SampleData.Member("evil.pkl", P(5)),
            new GnuTarEntry(TarEntryType.Directory, "in/"),
            SampleData.Member("last.png", P(6)),
        ]);
        var source = Open("a.tar");
        Assert.Equal(
        [
            "good.png: ",
            "../../up.png: its path leads out of the folder (..)",
            "/abs.png: its path is an absolute path",
            "C:\\win.png: its path is an absolute path",
            "soft.png: is a symbolic link; links are not followed",
            "hard.png: is a hard link; links are not followed",
            "dev.png: is a device",
            "fifo.png: is a named pipe",
            "cap.png: its member '.txt' is a symbolic link; links are not followed",
            "lone: its member '' is a symbolic link; links are not followed",
            "last.png: ",
        ], Outcomes(source));
        Assert.Equal([.. before, folder.Combine("a.tar")], Everything());
    }

    [Fact]
    public void DuplicatesAndContradictionsAreQuarantined()
    {
        Write("a.tar",
            ("a.png", P(1)), ("b.png", P(2)), ("b.png", P(3)), ("a.png", P(4)), ("c.png", P(5)), ("c.jpg", P(6)),
            ("d.png", P(7)), ("d.json", B("{\"text\": 1}")), ("e.png", P(8)), ("e.txt", new byte[70_000]), ("f.png", P(9)), ("f.txt", [0xFF, 0xFE]),
            ("g.png", P(1)), ("g.cls", B("1")), ("h.png", P(2)), ("h.cls", B("cat")));
        Assert.Equal(
        [
            "a.png: ",
            "b.png: two members of the archive have its name",
            "a.png: another picture of the archive has its base name",
            "c.png: two pictures have its base name",
            "d.png: its .json \"text\" is a number where text or a list of texts was due",
            "e.png: a caption of 70,000 bytes; at most 65,536 are kept",
            "f.png: its caption is not UTF-8: save it in that encoding",
            "g.png: ",
            "h.png: label 'cat' is a class name where earlier labels are numbers",
        ], Outcomes(Open("a.tar")));
    }

    [Fact]
    public void AnArchiveWhoseMembersAreApartSaysHowToWriteIt()
    {
        Write("a.tar", ("a.png", P(1)), ("b.png", P(2)), ("a.txt", B("x")), ("b.txt", B("y")));
        Assert.Equal($"'{folder.Combine("a.tar")}': 'a.txt' does not stand beside the other members of its base name. Write the archive with its members sorted " +
            "(tar --sort=name).", Assert.Throws<UserErrorException>(() => Open("a.tar")).Message);
    }

    [Fact]
    public void CompressedCutAndDamagedArchivesAreRefusedWithTheRemedy()
    {
        Write("a.tar", ("a.png", new byte[5000]), ("b.png", new byte[5000]));
        var bytes = File.ReadAllBytes(folder.Combine("a.tar"));
        folder.Write("z.tar.gz", TestFolder.Pack(bytes, gzip: true));
        Assert.Equal($"'{folder.Combine("z.tar.gz")}' is a gzip file; pictures are read out of plain tar files by their places. Unpack it first: gunzip " +
            $"'{folder.Combine("z.tar.gz")}'", Assert.Throws<UserErrorException>(() => Open("z.tar.gz")).Message);
        folder.Write("cut.tar", bytes[..8000]);
        Assert.Equal($"'{folder.Combine("cut.tar")}' is cut short: it has 8000 bytes and 'b.png' would end at 11144. Fetch it again.",
            Assert.Throws<UserErrorException>(() => Open("cut.tar")).Message);
        bytes[100]++; // in the first header
        folder.Write("bad.tar", bytes);
        Assert.StartsWith($"'{folder.Combine("bad.tar")}' is no sound tar file behind byte 0: ", Assert.Throws<UserErrorException>(() => Open("bad.tar")).Message, StringComparison.Ordinal);
        folder.Write("zip.zip", "PK\x3\x4"u8.ToArray());
        Assert.Contains("is a zip file", Assert.Throws<UserErrorException>(() => Open("zip.zip")).Message, StringComparison.Ordinal);
        Write("none.tar", ("notes.txt", B("x")));
        Assert.Contains("holds no picture", Assert.Throws<UserErrorException>(() => Open("none.tar")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AHeaderThatClaimsGigabytesTakesNoMemory()
    {
        Write("a.tar", ("a.png", P(1)));
        var header = File.ReadAllBytes(folder.Combine("a.tar"))[..512];
        header[156] = (byte)'x'; // a pax header
        "17777777000"u8.CopyTo(header.AsSpan(124)); // of almost 2 GiB
        "        "u8.CopyTo(header.AsSpan(148));
        Encoding.ASCII.GetBytes(Convert.ToString(header.Sum(b => b), 8).PadLeft(6, '0') + "\0 ").CopyTo(header, 148);
        folder.Write("huge.tar", [.. header, .. new byte[2048]]);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("huge.tar", Assert.Throws<UserErrorException>(() => Open("huge.tar")).Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 20);
    }

    [Theory]
    [InlineData("pipe:cat /etc/passwd", "a command")]
    [InlineData("http://x/a.tar", "a URL")]
    [InlineData("file:///etc/a.tar", "a URL")]
    [InlineData("s3://bucket/{0..9}.tar", "a URL")]
    public void CommandsAndUrlsAreNoSources(string source, string what)
        => Assert.Equal($"data.source '{source}' is {what}; nothing is run or fetched. Bring the data to this machine and give its path.",
            Assert.Throws<UserErrorException>(() => Open(source)).Message);

    [Fact]
    public void RowsAreReadFromSeveralThreadsByPlace()
    {
        SampleData.WriteTar(folder.Combine("a.tar"), Enumerable.Range(0, 2000).Select(i => new SampleRow($"{i:D6}.png", P(i), $"caption {i}", i % 7)));
        var source = Open("a.tar");
        Parallel.For(0, 8000, i =>
        {
            var row = source.Read((int)((long)i * 7919 % 2000));
            var number = (int)((long)i * 7919 % 2000);
            Assert.Equal((P(number), $"caption {number}", (long)(number % 7)), (row.Encoded!, row.Text, row.Label), new RowComparer());
        });
    }

    [Fact]
    public void AShardThatChangedIsABadImage()
    {
        Write("a.tar", ("a.png", P(1)));
        var source = Open("a.tar");
        Write("a.tar", ("a.png", P(1)), ("b.png", new byte[20_000]));
        Assert.Throws<BadImageException>(() => source.Read(0));
        File.Delete(folder.Combine("a.tar"));
        Assert.Throws<BadImageException>(() => source.Read(0));
    }

    [Theory]
    [InlineData("PAX_FORMAT")]
    [InlineData("GNU_FORMAT")]
    [InlineData("USTAR_FORMAT")]
    public async Task TarsThatPythonWritesAreRead(string format)
    {
        var longName = format == "USTAR_FORMAT" ? "shorter" : new string('n', 180) + "/größer";
        var script = $"""
            import io, tarfile
            with tarfile.open("p.tar", "w", format=tarfile.{format}) as tar:
                for name, data in [("{longName}.png", b"picture"), ("{longName}.txt", "größer 🐈".encode()), ("{longName}.cls", b"0")]:
                    info = tarfile.TarInfo(name); info.size = len(data); info.mtime = 1.5
                    tar.addfile(info, io.BytesIO(data))
            """;
        using var python = Process.Start(new ProcessStartInfo("/usr/bin/python3", ["-c", script]) { WorkingDirectory = folder.Path })!;
        await python.WaitForExitAsync(TestContext.Current.CancellationToken);
        var row = Open("p.tar").Read(0);
        Assert.Equal(("p.tar/" + longName + ".png", "größer 🐈", 0L, "picture"), (row.Name, row.Text, row.Label, Encoding.UTF8.GetString(row.Encoded!)));
    }

    private static byte[] P(int i) => B($"picture {i}");

    private static byte[] B(string text) => Encoding.UTF8.GetBytes(text);

    private static GnuTarEntry Link(TarEntryType type, string name, string target) => new(type, name) { LinkName = target };

    private static IEnumerable<string> Names(IImageSource source) => Enumerable.Range(0, source.Count).Select(source.NameOf);

    private static IEnumerable<RawImage> Rows(IImageSource source) => Enumerable.Range(0, source.Count).Select(source.Read);

    private static IEnumerable<string> Outcomes(IImageSource source) => Enumerable.Range(0, source.Count).Select(row =>
    {
        var name = source.NameOf(row)["a.tar/".Length..];
        try
        {
            source.Read(row);
            return name + ": ";
        }
        catch (BadImageException error)
        {
            return name + ": " + error.Message;
        }
    });

    private string[] Everything() => [.. Directory.EnumerateFileSystemEntries(folder.Path, "*", SearchOption.AllDirectories)];

    private void Write(string name, params (string Name, byte[] Content)[] members) => SampleData.WriteTar(folder.Combine(name), members);

    private IImageSource Open(string source) => ImageSources.Open(new DataSpec { Source = source, ImageSize = 4, Channels = 1 }, folder.Path);

    private sealed class RowComparer : IEqualityComparer<(byte[] Bytes, string? Text, long Label)>
    {
        public bool Equals((byte[] Bytes, string? Text, long Label) x, (byte[] Bytes, string? Text, long Label) y)
            => x.Bytes.AsSpan().SequenceEqual(y.Bytes) && x.Text == y.Text && x.Label == y.Label;

        public int GetHashCode((byte[] Bytes, string? Text, long Label) row) => row.Bytes.Length;
    }
}
