using System.Text;
using Ddm.Runs;

namespace Ddm.Data.Tests;

public sealed class MetadataSourceTests : IDisposable
{
    private static readonly byte[] Png = ImageCodec.EncodePng(new byte[16], 1, 4, 4);

    private readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void RowsAreInTheOrderOfTheLinesWithCaptionsAndClassNames()
    {
        Pictures("b.png", "a.png", "in/side/c.jpg", "d.webp");
        Write("""
            {"file_name": "b.png", "text": " a dog\n", "label": "dog", "size": {"w": [1, 2]}}
            {"label": "cat", "text": ["a cat", "another"], "file_name": "./a.png"}

            {"file_name": "in//side/c.jpg", "text": null, "label": "dog"}
            {"file_name": "d.webp", "caption": "größer 🐈"}
            """);
        var source = Open();
        Assert.Equal(["cat", "dog"], source.ClassNames);
        Assert.Equal(["b.png", "a.png", "in/side/c.jpg", "d.webp"], Names(source));
        Assert.Equal(["a dog", "a cat", null, "größer 🐈"], Rows(source).Select(row => row.Text));
        Assert.Equal([1L, 0, 1, -1], Rows(source).Select(row => row.Label));
        Assert.All(Rows(source), row => Assert.Equal(Png, row.Encoded));
    }

    [Fact]
    public void NumbersAreLabelsAsTheyAre()
    {
        Pictures("a.png", "b.png");
        Write("{\"file_name\": \"a.png\", \"label\": 2}\n{\"file_name\": \"b.png\", \"label\": 0}");
        Assert.Equal(["0", "1", "2"], Open().ClassNames);
        Assert.Equal(["x", "y", "z"], Open("x", "y", "z").ClassNames);
        Assert.Equal([2L, 0], Rows(Open()).Select(row => row.Label));
        var error = Assert.Throws<UserErrorException>(() => Open("x", "y"));
        Assert.Equal($"'{folder.Combine("metadata.jsonl")}' uses labels up to 2, but data.class_names has 2 names. Name every class, in the order of the labels.",
            error.Message);
    }

    [Fact]
    public void AByteOrderMarkAndCarriageReturnsAreTakenAsTheyCome()
    {
        Pictures("a.png", "b.png");
        Write("\uFEFF{\"file_name\": \"a.png\", \"text\": \"one\"}\r\n\r\n{\"file_name\": \"b.png\", \"text\": \"two\"}\r\n");
        Assert.Equal(["one", "two"], Rows(Open()).Select(row => row.Text));
    }

    [Fact]
    public void EveryWrongLineIsListedByItsNumber()
    {
        Pictures("a.png", "b.png", "c.png");
        Directory.CreateDirectory(folder.Combine("sub"));
        File.CreateSymbolicLink(folder.Combine("out.png"), "/etc/hostname");
        File.CreateSymbolicLink(folder.Combine("etc"), "/etc");
        File.CreateSymbolicLink(folder.Combine("in.png"), folder.Combine("c.png"));
        string[] lines =
        [
            """{"file_name": "a.png", "label": 1}""",
            """{"text": "no name"}""",
            """{"file_name": "../up.png"}""",
            """{"file_name": "/etc/hostname"}""",
            """{"file_name": "out.png"}""",
            """{"file_name": "etc/hostname"}""",
            """{"file_name": "gone.png"}""",
            """{"file_name": "a.png"}""",
            """{"file_name": "b.png", "text": "x", "text": "y"}""",
            """{"file_name": "b.png", "text": 5}""",
            """{"file_name": 5}""",
            """{"file_name": "b.png", "label": 1.5}""",
            """{"file_name": "b.png", "label": "cat"}""",
            """["b.png"]""",
            """{"file_name": "c.png" """,
            """{"file_name": "sub"}""",
            """{"file_name": "http://x/y.png"}""",
            """{"file_name": "in.png", "text": "\ud800"}""",
            """{"file_name": "in.png"}""",
        ];
        Write(string.Join("\n", lines));
        var error = Assert.Throws<UserErrorException>(() => Open());
        string[] expected =
        [
            $"'{folder.Combine("metadata.jsonl")}' has 17 wrong lines; nothing was taken in. Mend or delete what is listed here:",
            "  metadata.jsonl:2: has no \"file_name\"",
            "  metadata.jsonl:3: \"file_name\" '../up.png' leads out of the folder (..)",
            "  metadata.jsonl:4: \"file_name\" '/etc/hostname' is an absolute path",
            $"  metadata.jsonl:5: \"file_name\" 'out.png' is a link that leads out of '{folder.Path}'",
            $"  metadata.jsonl:6: \"file_name\" 'etc/hostname' is a link that leads out of '{folder.Path}'",
            "  metadata.jsonl:7: \"file_name\" 'gone.png' is not there",
            "  metadata.jsonl:8: \"file_name\" 'a.png' is on line 1 already",
            "  metadata.jsonl:9: holds the key 'text' twice",
            "  metadata.jsonl:10: \"text\" is a number where text or a list of texts was due",
            "  metadata.jsonl:11: \"file_name\" is a number where text was due",
            "  metadata.jsonl:12: \"label\" is a number where a whole number or a class name was due",
            "  metadata.jsonl:13: label 'cat' is a class name where earlier labels are numbers",
            "  metadata.jsonl:14: holds a list where an object {\"file_name\": ..., \"text\": ...} was due",
            "  metadata.jsonl:15: is no valid JSON at byte 23: Expected depth to be zero at the end of the JSON payload. There is an open JSON object or array that should be closed.",
            "  metadata.jsonl:16: \"file_name\" 'sub' is a folder",
            "  metadata.jsonl:17: \"file_name\" 'http://x/y.png' is a URL; nothing is fetched",
            "  metadata.jsonl:18: holds text that is not Unicode (broken UTF-8, or half of a surrogate pair)",
        ];
        Assert.Equal(expected, error.Message.Split(Environment.NewLine));
    }

    [Fact]
    public void TwentyWrongLinesAreListedAndTheOthersCounted()
    {
        Write(string.Concat(Enumerable.Range(0, 1023).Select(i => $"{{\"file_name\": \"{i}.png\"}}\n")));
        var message = Assert.Throws<UserErrorException>(() => Open()).Message.Split(Environment.NewLine);
        Assert.Contains("has 1023 wrong lines", message[0], StringComparison.Ordinal);
        Assert.Equal(22, message.Length);
        Assert.Equal("  metadata.jsonl:20: \"file_name\" '19.png' is not there", message[20]);
        Assert.Equal("  and 1003 more", message[21]);
    }

    [Fact]
    public void ALineOfAHundredMegabytesIsRefusedWithoutBeingHeld()
    {
        Pictures("a.png");
        using (var file = File.Create(folder.Combine("metadata.jsonl")))
        {
            file.Write("{\"file_name\": \"a.png\"}\n{\"text\": \""u8);
            var part = Encoding.UTF8.GetBytes(new string('x', 1 << 20));
            for (var i = 0; i < 100; i++)
            {
                file.Write(part);
            }

            file.Write("\"}\n{\"text\": \"after\"}\n"u8);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        var message = Assert.Throws<UserErrorException>(() => Open()).Message;
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8 << 20);
        Assert.Contains("  metadata.jsonl:2: is 104,857,612 bytes long; a line has at most 1,048,576", message, StringComparison.Ordinal);
        Assert.Contains("  metadata.jsonl:3: has no \"file_name\"", message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFileWithoutLinesAndOneInASubfolderAreRefusedWithTheRemedy()
    {
        Write("\n");
        Assert.Contains("lists no picture", Assert.Throws<UserErrorException>(() => Open()).Message, StringComparison.Ordinal);
        Directory.CreateDirectory(folder.Combine("train"));
        File.Move(folder.Combine("metadata.jsonl"), folder.Combine("train/metadata.jsonl"));
        Assert.Equal($"'{folder.Path}' has no metadata.jsonl, but '{folder.Combine("train")}' has. Point data.source there.",
            Assert.Throws<UserErrorException>(() => Open()).Message);
    }

    [Fact]
    public void FingerprintFollowsTheLinesAndTheFiles()
    {
        Pictures("a.png");
        Write("{\"file_name\": \"a.png\", \"text\": \"one\"}");
        var first = Open().Fingerprint;
        Assert.Equal(first, Open().Fingerprint);
        Write("{\"file_name\": \"a.png\", \"text\": \"two\"}");
        var second = Open().Fingerprint;
        Assert.NotEqual(first, second);
        folder.Write("a.png", [.. Png, 0]);
        Assert.NotEqual(second, Open().Fingerprint);
    }

    [Fact]
    public void ALineThatChangedAfterwardsIsABadImage()
    {
        Pictures("a.png");
        Write("{\"file_name\": \"a.png\", \"text\": \"one\"}");
        var source = Open();
        Write("{\"file_name\": \"b.png\", \"text\": \"one\"}");
        Assert.Throws<BadImageException>(() => source.Read(0));
    }

    private static IEnumerable<string> Names(IImageSource source) => Enumerable.Range(0, source.Count).Select(source.NameOf);

    private static IEnumerable<RawImage> Rows(IImageSource source) => Enumerable.Range(0, source.Count).Select(source.Read);

    private void Pictures(params string[] names) => Array.ForEach(names, name => folder.Write(name, Png));

    private void Write(string lines) => folder.Write("metadata.jsonl", Encoding.UTF8.GetBytes(lines));

    private IImageSource Open(params string[] names)
        => ImageSources.Open(new DataSpec { Source = ".", ImageSize = 4, Channels = 1, ClassNames = names }, folder.Path);
}
