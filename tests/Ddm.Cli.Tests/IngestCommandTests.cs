using Ddm.Tests;

namespace Ddm.Cli.Tests;

/// <summary>What a user sees whose pictures are bad.</summary>
public sealed class IngestCommandTests
{
    [Fact]
    public async Task TooManyBadPicturesAreOneMessageAndOnceMendedTheSameCommandGoesOn()
    {
        using var tiny = Pictures(good: 60, bad: 20, "");

        var (code, output, errors) = await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", tiny.Home);

        Assert.Equal(2, code);
        Assert.Contains("20 of 80 images of 'folder' cannot be used, and data.max_bad 0.1 allows 8. The first: a/bad0.png: empty file; a/bad1.png: empty file; ",
            errors, StringComparison.Ordinal);
        Assert.Contains("under the home folder. Mend or remove them, or give a larger data.max_bad in a spec of another name.", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output + errors, StringComparison.Ordinal);
        var list = Directory.GetFiles(tiny.Home, "quarantine.jsonl", SearchOption.AllDirectories).Single();
        Assert.Equal(20, (await File.ReadAllLinesAsync(list, TestContext.Current.CancellationToken)).Length);
        Assert.Contains(Path.GetRelativePath(tiny.Home, list), errors, StringComparison.Ordinal);

        Array.ForEach(Directory.GetFiles(tiny.Folder, "bad*.png", SearchOption.AllDirectories), File.Delete);
        (code, _, errors) = await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", tiny.Home);
        Assert.True(code == 0, errors);
    }

    [Fact]
    public async Task AFewBadPicturesAreANoticeAndTheRunSucceeds()
    {
        using var tiny = Pictures(good: 60, bad: 20, ", max_bad: 0.25, flip: true");

        var (code, output, errors) = await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", tiny.Home);

        Assert.True(code == 0, errors);
        Assert.Contains("note: 20 of 80 images cannot be used and are left out; datasets/", output, StringComparison.Ordinal);
        Assert.Contains("quarantine.jsonl lists them with reasons.", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 5, "max_bad: 1", "None of the 5 images of 'folder' can be used: a/bad0.png: empty file; a/bad1.png: empty file; a/bad2.png: empty file. Mend them")]
    [InlineData(1, 0, "held_out: 0.5", "All 1 images of 'folder' fall into the held-out share (data.held_out: 0.5), none is left to train on. Lower the share or give more images.")]
    [InlineData(0, 0, "max_bad: 1", "holds nothing to train on")]
    public async Task NoPictureToTrainOnIsOneMessageAndExitCodeTwo(int good, int bad, string key, string message)
    {
        using var tiny = Pictures(good, bad, ", " + key);

        var (code, output, errors) = await DdmProcess.RunAsync("run", tiny.SpecFile, "--home", tiny.Home);

        Assert.Equal(2, code);
        Assert.Contains(message, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output + errors, StringComparison.Ordinal);
    }

    private static TinyFolder Pictures(int good, int bad, string keys)
    {
        var data = $"data: {{ source: folder, image_size: 8, channels: 1, shard_rows: 100{keys} }}";
        var spec = TinyFolder.DefaultSpec.Replace("data: { source: pictures, image_size: 8, channels: 1, shard_rows: 100, held_out: 0.1 }", data, StringComparison.Ordinal);
        var tiny = new TinyFolder(spec);
        Directory.CreateDirectory(Path.Combine(tiny.Folder, "folder", "a"));
        for (var i = 0; i < good; i++)
        {
            var pixels = Enumerable.Range(0, 64).Select(p => (byte)((i * 37 + p * (i % 2 == 0 ? 3 : 11)) % 251)).ToArray();
            File.WriteAllBytes(Path.Combine(tiny.Folder, "folder", "a", $"{i}.png"), Data.ImageCodec.EncodePng(pixels, 1, 8, 8));
        }

        for (var i = 0; i < bad; i++)
        {
            File.WriteAllBytes(Path.Combine(tiny.Folder, "folder", "a", $"bad{i}.png"), []);
        }

        return tiny;
    }
}
