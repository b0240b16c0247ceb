using System.Diagnostics;
using NetVips;

namespace Ddm.Data.Tests;

/// <summary>Files that no picture is made of: each is refused with its reason, before it costs memory.</summary>
[Collection(nameof(BadPicturesTests))]
[CollectionDefinition(nameof(BadPicturesTests), DisableParallelization = true)] // it measures the memory of the process
public sealed class BadPicturesTests
{
    private const string Allowed = "only PNG, JPEG and WebP are decoded";
    private const long MostMemory = 256L << 20; // libvips keeps up to some 130 MB of texts

    public static TheoryData<string, byte[], string> Refused => new()
    {
        { "0 bytes", [], "empty file" },
        { "text named .png", "no picture"u8.ToArray(), $"no picture by its first bytes; {Allowed}" },
        { "SVG", "<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>"u8.ToArray(), $"a SVG, XML or HTML file by its first bytes; {Allowed}" },
        { "SVG behind blanks", "\uFEFF \n<svg/>"u8.ToArray(), $"a SVG, XML or HTML file by its first bytes; {Allowed}" },
        { "FITS", "SIMPLE  =                    T"u8.ToArray(), $"a FITS file by its first bytes; {Allowed}" },
        { "HEIC", [0, 0, 0, 24, .. "ftypheic"u8], $"a HEIC file by its first bytes; {Allowed}" },
        { "AVIF", [0, 0, 0, 24, .. "ftypavif"u8], $"a AVIF file by its first bytes; {Allowed}" },
        { "BMP", "BM      "u8.ToArray(), $"a BMP file by its first bytes; {Allowed}" },
        { "ZIP", "PK\u0003\u0004...."u8.ToArray(), $"a ZIP file by its first bytes; {Allowed}" },
        { "Git LFS", "version https://git-lfs.github.com/spec/v1"u8.ToArray(), $"a Git LFS pointer file by its first bytes; {Allowed}" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void OtherFormatsAreRefusedByTheirFirstBytes(string what, byte[] file, string reason)
    {
        _ = what;
        Assert.Equal(reason, Assert.Throws<BadImageException>(() => ImageCodec.DecodeSquare(file, 8, 1)).Message);
    }

    [Fact]
    public void TiffsAndGifsOfEveryKindAreRefused()
    {
        using var image = TestPictures.Quarters(8);
        byte[][] tiffs = [image.TiffsaveBuffer(), image.TiffsaveBuffer(compression: Enums.ForeignTiffCompression.Jpeg), image.TiffsaveBuffer(bigtiff: true)];
        Assert.All(tiffs, tiff => Assert.Contains("TIFF file by its first bytes", Refusal(tiff), StringComparison.Ordinal));
        Assert.Equal($"a GIF file by its first bytes; {Allowed}", Refusal(image.GifsaveBuffer()));
    }

    [Fact]
    public void AWrongExtensionDoesNotMatter()
    {
        using var folder = new TestFolder();
        using var image = TestPictures.Quarters(8);
        var source = Source(folder, ("c/a.png", image.JpegsaveBuffer(q: 100)), ("c/b.jpg", image.PngsaveBuffer()), ("c/c.webp", image.PngsaveBuffer()));
        Assert.All(Enumerable.Range(0, 3), row => Assert.True(source.Read(row).ToSquare(16, 3)[0] > 240));
    }

    [Theory]
    [InlineData("jpeg")]
    [InlineData("jpeg progressive")]
    [InlineData("jpeg large")]
    [InlineData("jpeg portrait")]
    [InlineData("png")]
    [InlineData("png interlaced")]
    [InlineData("webp")]
    public void AFileThatWasCutShortIsRefusedWhereverItWasCut(string kind)
    {
        var (width, height) = kind switch { "jpeg large" => (900, 700), "jpeg portrait" => (200, 900), _ => (64, 64) };
        using var image = Image.Gaussnoise(width, height, mean: 128, sigma: 40).Cast(Enums.BandFormat.Uchar);
        var file = kind switch
        {
            "png" => image.PngsaveBuffer(),
            "png interlaced" => image.PngsaveBuffer(interlace: true),
            "webp" => image.WebpsaveBuffer(),
            _ => image.JpegsaveBuffer(interlace: kind == "jpeg progressive"),
        };
        ImageCodec.DecodeSquare(file, 64, 1);
        foreach (var share in (double[])[0.05, 0.3, 0.6, 0.8, 0.9, 0.97])
        {
            Assert.StartsWith("cannot be decoded: ", Refusal(file[..(int)(file.Length * share)], 64), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ADecompressionBombIsRefusedByItsHeaderAlone()
    {
        var bomb = TestPictures.FlatPng(30_000, 30_000);
        Assert.InRange(bomb.Length, 1, 1 << 20); // 112 MB of bits, 0.9 GB of pixels
        RequireLittleMemory(() => Assert.Equal("30000 x 30000 pixels; at most 100,000,000 are decoded", Refusal(bomb)));
    }

    [Fact]
    public void ThePixelCapIsExactAndSoIsTheAspectCap()
    {
        Assert.Equal("10001 x 10000 pixels; at most 100,000,000 are decoded", Refusal(TestPictures.FlatPng(10_001, 10_000)));
        Assert.Equal("1001 x 1 pixels; one side may be at most 1,000 times the other", Refusal(TestPictures.FlatPng(1001, 1)));
        Assert.Equal("1 x 1001 pixels; one side may be at most 1,000 times the other", Refusal(TestPictures.FlatPng(1, 1001)));
    }

    [Theory]
    [InlineData("zTXt")]
    [InlineData("iTXt")]
    [InlineData("iCCP")]
    public void TextsThatInflateToAGigabyteTakeLittleMemory(string chunk)
    {
        byte[] head = chunk switch { "zTXt" => [.. "key\0\0"u8], "iTXt" => [.. "key\0\u0001\0\0\0"u8], _ => [.. "profile\0\0"u8] };
        byte[] content = [.. head, .. TestPictures.DeflatedZeros(1L << 30)];
        var bomb = TestPictures.Png(2, 2, 8, 0, [0, 1, 2, 0, 3, 4], (chunk, content), (chunk, content));
        RequireLittleMemory(() => Assert.Equal([1, 2, 3, 4], ImageCodec.DecodeSquare(bomb, 2, 1)));
    }

    [Fact]
    public void ManyTextsThatInflateTakeLittleMemory()
    {
        byte[] content = [.. "key\0\0"u8, .. TestPictures.DeflatedZeros(40L << 20)];
        var bomb = TestPictures.Png(2, 2, 8, 0, [0, 1, 2, 0, 3, 4], [.. Enumerable.Repeat(("zTXt", content), 20)]);
        RequireLittleMemory(() => Assert.Equal([1, 2, 3, 4], ImageCodec.DecodeSquare(bomb, 2, 1)));
    }

    private static string Refusal(byte[] file, int size = 8) => Assert.Throws<BadImageException>(() => ImageCodec.DecodeSquare(file, size, 1)).Message;

    private static IImageSource Source(TestFolder folder, params (string Name, byte[] Bytes)[] files)
    {
        Array.ForEach(files, file => folder.Write(file.Name, file.Bytes));
        return ImageSources.Open(new Runs.DataSpec { Source = ".", ImageSize = 16, Channels = 3 }, folder.Path);
    }

    private static void RequireLittleMemory(Action decode)
    {
        using var process = Process.GetCurrentProcess();
        var before = process.PeakWorkingSet64;
        decode();
        process.Refresh();
        Assert.InRange(process.PeakWorkingSet64 - before, long.MinValue, MostMemory);
    }
}
