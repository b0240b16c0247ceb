using Ddm.Runs;

namespace Ddm.Data.Tests;

public sealed class IdxSourceTests : IDisposable
{
    private readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ReadsImagesAndTheirLabels(bool gzip)
    {
        folder.WriteIdx(count: 10, side: 6, gzip: gzip);
        var source = Open(".");
        Assert.Equal(10, source.Count);
        Assert.Equal(["0", "1", "2"], source.ClassNames);
        var image = source.Read(7);
        Assert.Equal(1, image.Label);
        Assert.Equal(TestFolder.Picture(7, 6), image.Pixels!.Pixels);
        Assert.Equal((6, 6, 1), (image.Pixels.Width, image.Pixels.Height, image.Pixels.Channels));
    }

    [Fact]
    public void FingerprintFollowsContentAlone()
    {
        folder.WriteIdx(count: 10, side: 6);
        var first = Open(".").Fingerprint;
        File.SetLastWriteTimeUtc(folder.Combine("train-images-idx3-ubyte"), DateTime.UnixEpoch);
        Assert.Equal(first, Open(".").Fingerprint);
        folder.WriteIdx(count: 10, side: 6, first: 1);
        Assert.NotEqual(first, Open(".").Fingerprint);
    }

    [Fact]
    public void ImagesWithoutLabelsHaveNone()
    {
        folder.WriteIdx(count: 3, side: 4);
        File.Delete(folder.Combine("train-labels-idx1-ubyte"));
        var source = Open("train-images-idx3-ubyte");
        Assert.Empty(source.ClassNames);
        Assert.Equal(-1, source.Read(0).Label);
    }

    [Fact]
    public void NamesTooFewClassesAreRefused()
    {
        folder.WriteIdx(count: 9, side: 4);
        var error = Assert.Throws<UserErrorException>(() => Open(".", "a", "b"));
        Assert.Contains("2 names", error.Message, StringComparison.Ordinal);
        Assert.Contains("up to 2", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Damaged))]
    public void DamagedFilesAreRefusedByNameAndReason(byte[] images, string reason)
    {
        folder.Write("x-images-idx3-ubyte", images);
        var error = Assert.Throws<UserErrorException>(() => Open("."));
        Assert.Contains("x-images-idx3-ubyte", error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    public static TheoryData<byte[], string> Damaged => new()
    {
        { [], "has 0 bytes" },
        { [0, 0, 8, 3, 0, 0], "ends inside its header" },
        { [1, 2, 8, 3, 0, 0, 0, 1], "01020803" },
        { TestFolder.Idx(new byte[8], 8), "a file of labels?" },
        { TestFolder.Idx(new byte[8], 3, 2, 2), "declares 12 elements (3 x 2 x 2) and holds 8" },
        { TestFolder.Idx(new byte[16], 3, 2, 2), "holds 16" },
        { TestFolder.Idx([], 0, 2, 2), "declares 0 elements in dimension 1" },
        { TestFolder.Idx(new byte[8], int.MaxValue, int.MaxValue, int.MaxValue), "declares" },
        { TestFolder.Idx(new byte[8], -1, 2, 2), "declares 4294967295 elements" },
        { [0, 0, 0x0D, 3, 0, 0, 0, 1], "type 0x0D" },
        { [0x1F, 0x8B, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9], "damaged gzip" },
        { TestFolder.Pack(TestFolder.Idx(new byte[5000], 5, 10, 100), gzip: true)[..30], "x-images-idx3-ubyte" },
    };

    [Fact]
    public void LabelsOfAnotherCountAreRefused()
    {
        folder.WriteIdx(count: 9, side: 4);
        folder.Write("train-labels-idx1-ubyte", TestFolder.Idx(new byte[8], 8));
        var error = Assert.Throws<UserErrorException>(() => Open("."));
        Assert.Contains("8 labels for the 9 images", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TwoImagesFilesAreAmbiguousUnlessOneIsTheTrainingSplit()
    {
        folder.Write("a-images-idx3-ubyte", TestFolder.Idx(new byte[4], 1, 2, 2));
        folder.Write("b-images-idx3-ubyte", TestFolder.Idx(new byte[4], 1, 2, 2));
        var error = Assert.Throws<UserErrorException>(() => Open("."));
        Assert.Contains("a-images-idx3-ubyte, b-images-idx3-ubyte", error.Message, StringComparison.Ordinal);
        folder.WriteIdx(count: 5, side: 2);
        Assert.Equal(5, Open(".").Count);
    }

    private IImageSource Open(string source, params string[] names)
        => ImageSources.Open(new DataSpec { Source = source, ImageSize = 6, Channels = 1, ClassNames = names }, folder.Path);
}
