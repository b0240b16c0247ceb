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
        folder.Write("loose.png", Png);
        var error = Assert.Throws<UserErrorException>(() => Open());
        Assert.Contains("images-idx3-ubyte", error.Message, StringComparison.Ordinal);
        Assert.Contains("a folder for each class", error.Message, StringComparison.Ordinal);
        Assert.Contains("lie loose", error.Message, StringComparison.Ordinal);
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
