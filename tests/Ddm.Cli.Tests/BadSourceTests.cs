using System.Formats.Tar;
using Ddm.Tests;

namespace Ddm.Cli.Tests;

public class BadSourceTests
{
    [Fact]
    public async Task WrongLinesOfMetadataAreListedWithExitCodeTwoAndNothingIsWritten()
    {
        using var tiny = new TinyFolder();
        Directory.Delete(tiny.Pictures, recursive: true);
        SampleData.WriteMetadataFolder(tiny.Pictures, [new("a.png", [1])]);
        File.AppendAllText(Path.Combine(tiny.Pictures, "metadata.jsonl"), "{\"file_name\": \"../tiny.yaml\"}\n{\"text\": \"\\u001b[31mred\"}\n");

        var (code, output, errors) = await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", tiny.Home);

        Assert.Equal(2, code);
        Assert.Contains(
            $"'{Path.Combine(tiny.Pictures, "metadata.jsonl")}' has 2 wrong lines; nothing was taken in. Mend or delete what is listed here:{Environment.NewLine}" +
            $"  metadata.jsonl:2: \"file_name\" '../tiny.yaml' leads out of the folder (..){Environment.NewLine}  metadata.jsonl:3: has no \"file_name\"",
            errors, StringComparison.Ordinal);
        RequireNoTrace(tiny, output + errors);
    }

    [Fact]
    public async Task ATarOfForbiddenMembersAloneIsRefusedAndNothingIsUnpacked()
    {
        using var tiny = new TinyFolder();
        Directory.Delete(tiny.Pictures, recursive: true);
        SampleData.WriteTar(Path.Combine(tiny.Pictures, "a.tar"), (TarEntry[])[SampleData.Member("../evil.png", [1])]);
        var before = Directory.GetFileSystemEntries(tiny.Folder, "*.png", SearchOption.AllDirectories);

        var (code, output, errors) = await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", tiny.Home);

        Assert.NotEqual(0, code);
        Assert.Contains("a.tar/../evil.png: its path leads out of the folder (..)", output + errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output + errors, StringComparison.Ordinal);
        Assert.Equal(before, Directory.GetFileSystemEntries(tiny.Folder, "*.png", SearchOption.AllDirectories));
        Assert.False(File.Exists(Path.Combine(tiny.Folder, "evil.png")));
    }

    [Fact]
    public async Task ACutTarIsOneMessageAndExitCodeTwo()
    {
        using var tiny = new TinyFolder();
        Directory.Delete(tiny.Pictures, recursive: true);
        SampleData.WriteTar(Path.Combine(tiny.Pictures, "a.tar"), [("a.png", new byte[5000])]);
        using (var file = File.OpenWrite(Path.Combine(tiny.Pictures, "a.tar")))
        {
            file.SetLength(3000);
        }

        var (code, output, errors) = await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", tiny.Home);

        Assert.Equal(2, code);
        Assert.Contains("is cut short: it has 3000 bytes and 'a.png' would end at 5512. Fetch it again.", errors, StringComparison.Ordinal);
        RequireNoTrace(tiny, output + errors);
    }

    private static void RequireNoTrace(TinyFolder tiny, string said)
    {
        Assert.DoesNotContain("   at ", said, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(tiny.Home, "runs")));
        Assert.False(Directory.Exists(Path.Combine(tiny.Home, "datasets")));
    }
}
