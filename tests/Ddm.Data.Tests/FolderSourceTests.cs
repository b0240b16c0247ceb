using Ddm.Runs;

namespace Ddm.Data.Tests;

public sealed class FolderSourceTests : IDisposable
{
    private static readonly byte[] Png = ImageCodec.EncodePng(new byte[16], 1, 4, 4);

    private readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void ListsPicturesByClassAndName()
    {
        folder.Write("dogs/b.PNG", Png);
        folder.Write("dogs/a.jpeg", Png);
        folder.Write("cats/deep/er/z.webp", Png);
        folder.Write("cats/notes.txt", [1]);
        folder.Write("empty/readme.md", [1]);
        var source = Open();
        Assert.Equal(["cats", "dogs"], source.ClassNames);
        Assert.Equal(["cats/deep/er/z.webp", "dogs/a.jpeg", "dogs/b.PNG"], Enumerable.Range(0, source.Count).Select(source.NameOf));
        Assert.Equal([0L, 1L, 1L], Enumerable.Range(0, source.Count).Select(row => source.Read(row).Label));
    }

    [Fact]
    public void GivenNamesDecideTheLabels()
    {
        folder.Write("dogs/a.png", Png);
        folder.Write("cats/a.png", Png);
        Assert.Equal([1L, 0L], Enumerable.Range(0, 2).Select(row => Open("dogs", "cats").Read(row).Label));
        var error = Assert.Throws<UserErrorException>(() => Open("dogs"));
        Assert.Contains("cats", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FingerprintFollowsTheListing()
    {
        folder.Write("cats/a.png", Png);
        var first = Open().Fingerprint;
        Assert.Equal(first, Open().Fingerprint);
        folder.Write("cats/b.png", Png);
        Assert.NotEqual(first, Open().Fingerprint);
    }

    [Fact]
    public void APictureThatVanishedIsABadImage()
    {
        var path = folder.Write("cats/a.png", Png);
        var source = Open();
        File.Delete(path);
        Assert.Throws<BadImageException>(() => source.Read(0));
    }

    [Fact]
    public void AFolderWithNothingKnownSaysWhatWasLookedFor()
    {
        folder.Write("notes.txt", [1]);
        var error = Assert.Throws<UserErrorException>(() => Open());
        Assert.Contains("images-idx3-ubyte", error.Message, StringComparison.Ordinal);
        Assert.Contains("a folder for each class", error.Message, StringComparison.Ordinal);
        Assert.Contains("metadata.jsonl", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LoosePicturesHaveNoLabels()
    {
        folder.Write("b.png", Png);
        folder.Write("a.jpg", Png);
        folder.Write("sub/notes.md", [1]);
        var source = Open();
        Assert.Equal(["a.jpg", "b.png"], Enumerable.Range(0, source.Count).Select(source.NameOf));
        Assert.Empty(source.ClassNames);
        Assert.Equal(-1, source.Read(0).Label);
        Assert.Contains("lie loose and have no labels", Assert.Throws<UserErrorException>(() => Open("x")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ATextFileBesideAPictureIsItsCaption()
    {
        folder.Write("c/b.1.png", Png);
        folder.Write("c/b.1.txt", "\uFEFFa größer cat\r\n"u8.ToArray());
        folder.Write("c/d.png", Png);
        folder.Write("c/e.png", Png);
        folder.Write("c/e.txt", " \n"u8.ToArray());
        folder.Write("c/f.png", Png);
        folder.Write("c/f.txt", [0xFF, 0xFF]);
        folder.Write("c/other.txt", [1]);
        var source = Open();
        Assert.Equal(["a größer cat", null, null], Enumerable.Range(0, 3).Select(row => source.Read(row).Text));
        Assert.Equal("its caption is not UTF-8: save it in that encoding", Assert.Throws<BadImageException>(() => source.Read(3)).Message);
        var before = source.Fingerprint;
        folder.Write("c/d.txt", "now"u8.ToArray());
        Assert.NotEqual(before, Open().Fingerprint);
        Assert.Equal("now", Open().Read(1).Text);
    }

    [Fact]
    public void LoosePicturesBesideClassFoldersAndSplitsAreRefused()
    {
        folder.Write("train/cat/a.png", Png);
        folder.Write("test/cat/b.png", Png);
        Assert.Equal($"'{folder.Path}' holds the splits test, train. Point data.source to one of them, such as '{folder.Combine("train")}'.",
            Assert.Throws<UserErrorException>(() => Open()).Message);
        folder.Write("loose.png", Png);
        Assert.Equal($"'{folder.Path}' holds pictures both loose (loose.png) and in folders (test, train). Put the loose ones into a class folder, or move them away.",
            Assert.Throws<UserErrorException>(() => Open()).Message);
    }

    [Fact]
    public void AMissingSourceNamesThePathLookedFor()
    {
        var spec = new DataSpec { Source = "nowhere", ImageSize = 4, Channels = 1 };
        var error = Assert.Throws<UserErrorException>(() => ImageSources.Open(spec, folder.Path));
        Assert.Contains(folder.Combine("nowhere"), error.Message, StringComparison.Ordinal);
    }

    private IImageSource Open(params string[] names)
        => ImageSources.Open(new DataSpec { Source = ".", ImageSize = 4, Channels = 1, ClassNames = names }, folder.Path);
}
