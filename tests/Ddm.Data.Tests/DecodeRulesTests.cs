using NetVips;

namespace Ddm.Data.Tests;

/// <summary>A test for each row of the table of rules in docs/data.md, on real files of the kind.</summary>
public sealed class DecodeRulesTests
{
    private const int Side = 16;

    [Theory]
    [InlineData("png", 0)]
    [InlineData("jpeg", 3)]
    [InlineData("jpeg progressive", 3)]
    [InlineData("png interlaced", 0)]
    [InlineData("png palette", 1)]
    [InlineData("webp", 40)]
    [InlineData("webp lossless", 0)]
    public void EveryAllowedKindGivesTheSameColours(string kind, int tolerance)
    {
        using var image = TestPictures.Quarters(Side);
        var file = kind switch
        {
            "png" => image.PngsaveBuffer(),
            "jpeg" => image.JpegsaveBuffer(q: 100, subsampleMode: Enums.ForeignSubsample.Off),
            "jpeg progressive" => image.JpegsaveBuffer(q: 100, interlace: true, subsampleMode: Enums.ForeignSubsample.Off),
            "png interlaced" => image.PngsaveBuffer(interlace: true),
            "png palette" => image.PngsaveBuffer(palette: true),
            "webp" => image.WebpsaveBuffer(q: 100),
            _ => image.WebpsaveBuffer(lossless: true),
        };
        Assert.Equal(kind == "png palette", TestPictures.Holds(file, "PLTE"u8));
        Assert.Equal(kind == "png interlaced", kind.StartsWith("png", StringComparison.Ordinal) && file[28] == 1);
        Assert.Equal(kind == "jpeg progressive", TestPictures.Holds(file, [0xFF, 0xC2]));
        RequireQuarters(ImageCodec.DecodeSquare(file, 2 * Side, 3), 2 * Side, tolerance); // as it is
        RequireQuarters(ImageCodec.DecodeSquare(file, Side, 3), Side, Math.Max(tolerance, 2)); // scaled
    }

    [Fact]
    public void GreyBecomesColourUnchangedAndColourGreyByLuminance()
    {
        using var grey = TestPictures.Flat(Side, Side, Enums.Interpretation.Bw, 77);
        Assert.All(ImageCodec.DecodeSquare(grey.PngsaveBuffer(), Side, 3), value => Assert.Equal(77, value));
        Assert.All(ImageCodec.DecodeSquare(grey.JpegsaveBuffer(q: 100), 8, 3), value => Assert.InRange(value, 76, 78));

        // 0.7152 of the light is green's: in sRGB's curve 1.055 * 0.7152^(1/2.4) - 0.055 = 0.862 of white
        using var green = TestPictures.Flat(Side, Side, Enums.Interpretation.Srgb, 0, 255, 0);
        Assert.All(ImageCodec.DecodeSquare(green.PngsaveBuffer(), Side, 1), value => Assert.InRange(value, 218, 222));
    }

    [Theory]
    [InlineData(0, 255)]
    [InlineData(255, 100)]
    [InlineData(128, 178)] // 100 * 128/255 + 255 * 127/255
    public void AlphaIsLaidOverWhite(int alpha, int expected)
    {
        using var colour = TestPictures.Flat(Side, Side, Enums.Interpretation.Srgb, 100, 100, 100, alpha);
        using var grey = TestPictures.Flat(Side, Side, Enums.Interpretation.Bw, 100, alpha);
        foreach (var file in (byte[][])[colour.PngsaveBuffer(), grey.PngsaveBuffer(), colour.WebpsaveBuffer(lossless: true, exact: true)])
        {
            foreach (var size in (int[])[Side, 8])
            {
                Assert.All(ImageCodec.DecodeSquare(file, size, 3), value => Assert.InRange(value, expected - 2, expected + 2));
            }
        }
    }

    [Fact]
    public void TransparencyOfPalettesAndOfOneColourIsLaidOverWhite()
    {
        // two pixels a row, the left one transparent: by the palette's alphas, and by the one grey value that counts as transparent
        byte[] rows = [0, 0, 1, 0, 0, 1];
        var palette = TestPictures.Png(2, 2, 8, 3, rows, ("PLTE", [10, 20, 30, 40, 50, 60]), ("tRNS", [0, 255]));
        var pixels = ImageCodec.DecodeSquare(palette, 2, 3);
        Assert.Equal(((255, 255, 255), (40, 50, 60)), (TestPictures.At(pixels, 2, 0, 0), TestPictures.At(pixels, 2, 1, 0)));

        var keyed = TestPictures.Png(2, 2, 8, 0, rows, ("tRNS", [0, 0]));
        Assert.Equal([255, 1, 255, 1], ImageCodec.DecodeSquare(keyed, 2, 1));
    }

    [Fact]
    public void SixteenBitsBecomeEight()
    {
        using var grey = TestPictures.Flat(Side, Side, Enums.Interpretation.Grey16, 0x80FF);
        using var colour = TestPictures.Flat(Side, Side, Enums.Interpretation.Rgb16, 0x2000, 0x80FF, 0xFFFF);
        foreach (var size in (int[])[Side, 8])
        {
            Assert.All(ImageCodec.DecodeSquare(grey.PngsaveBuffer(), size, 1), value => Assert.InRange(value, 0x80, 0x81));
            var (r, g, b) = TestPictures.At(ImageCodec.DecodeSquare(colour.PngsaveBuffer(), size, 3), size, 3, 3);
            Assert.Equal((0x20, 0x80, 0xFF), (r, g == 0x81 ? 0x80 : g, b)); // 0x80FF / 256 is as good as 0x81
        }

        using var alpha = TestPictures.Flat(Side, Side, Enums.Interpretation.Rgb16, 0, 0, 0, 0x8080);
        Assert.All(ImageCodec.DecodeSquare(alpha.PngsaveBuffer(), Side, 3), value => Assert.InRange(value, 125, 129));
    }

    [Fact]
    public void FewBitsAreStretchedToEight()
    {
        var one = TestPictures.Png(2, 1, 1, 0, [0, 0b0100_0000]);
        Assert.Equal([0, 255], ImageCodec.DecodeSquare(Doubled(one), 2, 1)[..2]);
        var two = TestPictures.Png(2, 2, 2, 0, [0, 0b0001_0000, 0, 0b1011_0000]);
        Assert.Equal([0, 85, 170, 255], ImageCodec.DecodeSquare(two, 2, 1));

        static byte[] Doubled(byte[] _) => TestPictures.Png(2, 2, 1, 0, [0, 0b0100_0000, 0, 0b0100_0000]);
    }

    [Fact]
    public void CmykJpegsOfAdobeKindAndNotAndWithAProfileAreTheSameColours()
    {
        using var cyan = TestPictures.Flat(Side, Side, Enums.Interpretation.Cmyk, 255, 0, 0, 0);
        var plain = TestPictures.WithoutAdobeSegment(cyan.JpegsaveBuffer(q: 100)); // still stored inverted, as nearly all CMYK JPEGs are
        var profiled = cyan.JpegsaveBuffer(q: 100, profile: "cmyk");
        Assert.True(TestPictures.Holds(profiled, "ICC_PROFILE"u8));
        foreach (var file in (byte[][])[cyan.JpegsaveBuffer(q: 100), plain, profiled])
        {
            var (r, g, b) = TestPictures.At(ImageCodec.DecodeSquare(file, 8, 3), 8, 4, 4);
            Assert.True(r < 40 && g is > 140 and < 200 && b is > 200 and < 255, $"printed cyan came out as {r}, {g}, {b}");
        }

        using var paper = TestPictures.Flat(Side, Side, Enums.Interpretation.Cmyk, 0, 0, 0, 0);
        using var ink = TestPictures.Flat(Side, Side, Enums.Interpretation.Cmyk, 0, 0, 0, 255);
        Assert.All(ImageCodec.DecodeSquare(paper.JpegsaveBuffer(), Side, 3), value => Assert.InRange(value, 250, 255));
        Assert.All(ImageCodec.DecodeSquare(ink.JpegsaveBuffer(), Side, 1), value => Assert.InRange(value, 0, 60));
    }

    [Fact]
    public void ColoursOfAnEmbeddedProfileBecomeSrgb()
    {
        using var red = TestPictures.Flat(Side, Side, Enums.Interpretation.Srgb, 200, 40, 40);
        var plain = TestPictures.At(ImageCodec.DecodeSquare(red.PngsaveBuffer(), Side, 3), Side, 5, 5);
        var srgb = TestPictures.At(ImageCodec.DecodeSquare(red.PngsaveBuffer(profile: "srgb"), Side, 3), Side, 5, 5);
        var wide = TestPictures.At(ImageCodec.DecodeSquare(red.PngsaveBuffer(profile: "p3"), Side, 3), Side, 5, 5);
        Assert.Equal((200, 40, 40), plain);
        Assert.InRange(srgb.R, 198, 202);
        Assert.InRange(wide.R, 210, 225); // P3's red is redder than sRGB's: the same light needs a larger number there
        Assert.InRange(wide.G, 0, 36);
    }

    [Fact]
    public void AProfileThatDoesNotFitOrIsDamagedIsPassedOver()
    {
        using var grey = TestPictures.Flat(Side, Side, Enums.Interpretation.Bw, 90);
        using var red = TestPictures.Flat(Side, Side, Enums.Interpretation.Srgb, 200, 40, 40);
        Assert.All(ImageCodec.DecodeSquare(grey.PngsaveBuffer(profile: "srgb"), Side, 3), value => Assert.InRange(value, 88, 92));
        using var damaged = red.Mutate(mutable => mutable.Set(GValue.BlobType, "icc-profile-data", "no profile at all, and long enough to be looked at"u8.ToArray()));
        var (r, g, b) = TestPictures.At(ImageCodec.DecodeSquare(damaged.JpegsaveBuffer(q: 100), 8, 3), 8, 4, 4);
        Assert.True(Math.Abs(r - 200) < 4 && Math.Abs(g - 40) < 4 && Math.Abs(b - 40) < 4, $"{r}, {g}, {b}");
    }

    [Theory]
    [InlineData(1, "RGBW")]
    [InlineData(2, "GRWB")]
    [InlineData(3, "WBGR")]
    [InlineData(4, "BWRG")]
    [InlineData(5, "RBGW")]
    [InlineData(6, "BRWG")]
    [InlineData(7, "WGBR")]
    [InlineData(8, "GWRB")]
    public void CamerasRotationIsApplied(int orientation, string quarters)
    {
        using var image = TestPictures.Quarters(Side);
        using var turned = image.Mutate(mutable => mutable.Set(GValue.GIntType, "orientation", orientation));
        var files = (byte[][])[turned.JpegsaveBuffer(q: 100, subsampleMode: Enums.ForeignSubsample.Off), turned.WebpsaveBuffer(lossless: true)];
        foreach (var file in files)
        {
            foreach (var size in (int[])[2 * Side, Side])
            {
                var pixels = ImageCodec.DecodeSquare(file, size, 3);
                Assert.Equal(quarters, string.Concat(Corners(pixels, size).Select(Letter)));
            }
        }
    }

    [Fact]
    public void OfAnAnimationTheFirstFrameIsTaken()
    {
        using var first = TestPictures.Flat(Side, Side, Enums.Interpretation.Srgb, 200, 10, 10);
        using var second = TestPictures.Flat(Side, Side, Enums.Interpretation.Srgb, 10, 10, 200);
        using var joined = Image.Arrayjoin([first, second], across: 1);
        using var film = joined.Mutate(mutable => mutable.Set(GValue.GIntType, "page-height", Side));
        var file = film.WebpsaveBuffer(lossless: true);
        Assert.True(TestPictures.Holds(file, "ANMF"u8));
        Assert.Equal((200, 10, 10), TestPictures.At(ImageCodec.DecodeSquare(file, Side, 3), Side, 8, 8));
        var error = Assert.Throws<BadImageException>(() => ImageCodec.DecodeSquare(film.GifsaveBuffer(), Side, 3));
        Assert.Equal("a GIF file by its first bytes; only PNG, JPEG and WebP are decoded", error.Message);
    }

    [Theory]
    [InlineData(32, 16)]
    [InlineData(16, 32)]
    [InlineData(640, 480)]
    [InlineData(31, 17)]
    public void TheCentreSquareIsCropped(int width, int height)
    {
        // white inside the centre square, black beside it
        var side = Math.Min(width, height);
        using var centre = TestPictures.Flat(side, side, Enums.Interpretation.Bw, 255);
        using var image = centre.Embed((width - side) / 2, (height - side) / 2, width, height);
        var pixels = ImageCodec.DecodeSquare(image.PngsaveBuffer(), 16, 1);
        var inner = Enumerable.Range(0, 256).Where(i => i % 16 is > 0 and < 15 && i / 16 is > 0 and < 15);
        Assert.All(inner, i => Assert.InRange(pixels[i], 235, 255));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 7)]
    [InlineData(3, 2)]
    [InlineData(1, 1000)]
    [InlineData(1000, 1)]
    public void TinyAndThinPicturesAreEnlarged(int width, int height)
    {
        using var flat = TestPictures.Flat(width, height, Enums.Interpretation.Srgb, 12, 130, 240);
        var pixels = ImageCodec.DecodeSquare(flat.PngsaveBuffer(), Side, 3);
        Assert.All(Enumerable.Range(0, Side * Side), i => Assert.Equal((12, 130, 240), TestPictures.At(pixels, Side, i % Side, i / Side)));
    }

    [Theory]
    [InlineData(64)]
    [InlineData(256)]
    [InlineData(640)]
    public void PatternsFinerThanTheSquareBecomeTheirMean(int side)
    {
        // Stripes finer than an output pixel: a filter that aliases gives other stripes, one that does not the mean, 127.5.
        foreach (var period in (int[])[2, 3])
        {
            var pixels = new byte[side * side];
            for (var i = 0; i < pixels.Length; i++)
            {
                pixels[i] = (byte)(period == 2 ? i % side % 2 * 255 : (i % side % 3) switch { 0 => 0, 1 => 255, _ => 128 });
            }

            using var stripes = Image.NewFromMemoryCopy(pixels, side, side, 1, Enums.BandFormat.Uchar).Copy(interpretation: Enums.Interpretation.Bw);
            foreach (var file in (byte[][])[stripes.PngsaveBuffer(), stripes.JpegsaveBuffer(q: 100)])
            {
                var square = ImageCodec.DecodeSquare(file, 16, 1);
                var inner = square.Where((_, i) => i % 16 is > 0 and < 15); // at the border the filter sees its mirror
                Assert.All(inner, value => Assert.InRange(value, 119, 136)); // the mean of the encoded values; that of the light would be 188
            }
        }
    }

    [Fact]
    public void HalvingWhileDecodingKeepsThePicture()
    {
        // a smooth picture large enough to be halved thrice, beside the same one by PNG, which is not
        using var xy = Image.Xyz(1024, 768);
        using var wave = (xy[0] * (Math.PI / 200)).Math(Enums.OperationMath.Sin) * 100 + 128 + (xy[1] * 0.05);
        using var image = wave.Cast(Enums.BandFormat.Uchar).Copy(interpretation: Enums.Interpretation.Bw);
        var (halved, whole) = (ImageCodec.DecodeSquare(image.JpegsaveBuffer(q: 100), 48, 1), ImageCodec.DecodeSquare(image.PngsaveBuffer(), 48, 1));
        Assert.All(halved.Zip(whole), pair => Assert.InRange(pair.First - pair.Second, -3, 3));
    }

    private static (int R, int G, int B)[] Corners(byte[] pixels, int size)
    {
        var (low, high) = (size / 4, size * 3 / 4);
        return [TestPictures.At(pixels, size, low, low), TestPictures.At(pixels, size, high, low),
            TestPictures.At(pixels, size, low, high), TestPictures.At(pixels, size, high, high)];
    }

    private static void RequireQuarters(byte[] pixels, int size, int tolerance)
    {
        (int R, int G, int B)[] expected = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)];
        Assert.All(Corners(pixels, size).Zip(expected), pair =>
        {
            var (seen, due) = pair;
            var off = Math.Max(Math.Abs(seen.R - due.R), Math.Max(Math.Abs(seen.G - due.G), Math.Abs(seen.B - due.B)));
            Assert.True(off <= tolerance, $"{seen} where {due} was due");
        });
    }

    private static char Letter((int R, int G, int B) colour) => (colour.R > 128, colour.G > 128, colour.B > 128) switch
    {
        (true, false, false) => 'R',
        (false, true, false) => 'G',
        (false, false, true) => 'B',
        (true, true, true) => 'W',
        _ => '?',
    };
}
