using System.Buffers.Binary;
using NetVips;

namespace Ddm.Data.Tests;

public sealed class ImageCodecTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void PngsKeepEveryPixel(int channels)
    {
        var planes = Noise(channels * 20 * 28);
        var image = ImageCodec.DecodePng(ImageCodec.EncodePng(planes, channels, height: 20, width: 28));
        Assert.Equal((28, 20, channels), (image.Width, image.Height, image.Channels));
        Assert.Equal(planes, Planes.FromInterleaved(image.Pixels, channels));
        Assert.Equal(planes[0], image.Pixels[0]);
        Assert.Equal(planes[^1], image.Pixels[^1]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void PngsAreReadByOthersAndTheirsByUs(int channels)
    {
        var smooth = Enumerable.Range(0, 40 * 40 * channels).Select(i => (byte)(128 + 100 * Math.Sin(i / 61.0))).ToArray();
        foreach (var pixels in (byte[][])[smooth, Noise(smooth.Length), new byte[smooth.Length]])
        {
            using var theirs = Image.PngloadBuffer(PngFile.Encode(pixels, 40, 40, channels), failOn: Enums.FailOn.Warning);
            Assert.Equal(pixels, theirs.WriteToMemory<byte>());
            foreach (var filter in (Enums.ForeignPngFilter[])[Enums.ForeignPngFilter.Sub, Enums.ForeignPngFilter.Up, Enums.ForeignPngFilter.Avg, Enums.ForeignPngFilter.Paeth])
            {
                Assert.Equal(pixels, ImageCodec.DecodePng(theirs.PngsaveBuffer(filter: filter)).Pixels);
            }
        }
    }

    [Fact]
    public void ADamagedPngIsNeverReadAsPixels()
    {
        var png = ImageCodec.EncodePng(Noise(100), 1, 10, 10);
        for (var at = 8; at < png.Length; at++)
        {
            var damaged = (byte[])png.Clone();
            damaged[at] ^= 0x10;
            Assert.Throws<BadImageException>(() => ImageCodec.DecodePng(damaged));
            Assert.Throws<BadImageException>(() => ImageCodec.DecodePng(png[..at]));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void APictureOfTheRightSizeIsNotTouched(int channels)
    {
        var planes = Noise(channels * 28 * 28);
        var png = ImageCodec.EncodePng(planes, channels, 28, 28);
        Assert.Equal(planes, ImageCodec.DecodeSquare(png, 28, channels));
    }

    [Fact]
    public void TheCentreIsCropped()
    {
        // left and right quarters black, the middle half white: a square crop about the centre is white
        var wide = new byte[16 * 32];
        for (var p = 0; p < wide.Length; p++)
        {
            wide[p] = (byte)(p % 32 is >= 8 and < 24 ? 255 : 0);
        }

        var square = ImageCodec.Square(new PixelImage(32, 16, 1, wide), 16, 1);
        Assert.All(square, pixel => Assert.Equal(255, pixel));
    }

    [Fact]
    public void ShrinkingAverages()
    {
        // a checkerboard of single pixels, which sampling without a filter would turn black or white
        var board = new byte[64 * 64];
        for (var p = 0; p < board.Length; p++)
        {
            board[p] = (byte)((p % 64 + p / 64) % 2 * 255);
        }

        var small = ImageCodec.Square(new PixelImage(64, 64, 1, board), 8, 1);
        Assert.All(small, pixel => Assert.InRange(pixel, (byte)110, (byte)145));
    }

    [Fact]
    public void AlphaLiesOverWhite()
    {
        using var clear = Image.Black(8, 8, bands: 4).Copy(interpretation: Enums.Interpretation.Srgb);
        var rgb = ImageCodec.DecodeSquare(clear.PngsaveBuffer(), 8, 3);
        Assert.All(rgb, pixel => Assert.Equal(255, pixel));
    }

    [Fact]
    public void ColourBecomesGreyByLuminanceAndGreyBecomesColourUnchanged()
    {
        using var red = (Image.Black(8, 8, bands: 3) + new double[] { 255, 0, 0 }).Cast(Enums.BandFormat.Uchar).Copy(interpretation: Enums.Interpretation.Srgb);
        var grey = ImageCodec.DecodeSquare(red.PngsaveBuffer(), 8, 1);
        Assert.All(grey, pixel => Assert.InRange(pixel, (byte)105, (byte)140)); // 0.2126 of the light is a little under half way in sRGB
        var colour = ImageCodec.DecodeSquare(ImageCodec.EncodePng(Enumerable.Repeat((byte)77, 64).ToArray(), 1, 8, 8), 8, 3);
        Assert.All(colour, pixel => Assert.Equal(77, pixel));
    }

    [Fact]
    public void SixteenBitsAndCmykAreRead()
    {
        using var deep = (Image.Black(8, 8) + 0x8080).Cast(Enums.BandFormat.Ushort).Copy(interpretation: Enums.Interpretation.Grey16);
        Assert.All(ImageCodec.DecodeSquare(deep.PngsaveBuffer(), 8, 1), pixel => Assert.InRange(pixel, (byte)127, (byte)129));
        using var cmyk = Image.Black(8, 8, bands: 4).Copy(interpretation: Enums.Interpretation.Cmyk);
        var white = ImageCodec.DecodeSquare(cmyk.JpegsaveBuffer(), 8, 3);
        Assert.All(white, pixel => Assert.InRange(pixel, (byte)235, (byte)255));
    }

    [Fact]
    public void RotationOfCamerasIsApplied()
    {
        // white on the left; orientation 6 means: turn by 90 degrees clockwise to see it as it was, so white comes to the top
        using var left = Image.Black(8, 16).Copy(interpretation: Enums.Interpretation.Bw) + 255;
        using var image = left.Join(Image.Black(8, 16), Enums.Direction.Horizontal).Cast(Enums.BandFormat.Uchar).Copy(interpretation: Enums.Interpretation.Bw)
            .Mutate(mutable => mutable.Set(GValue.GIntType, "orientation", 6));
        var seen = ImageCodec.DecodeSquare(image.JpegsaveBuffer(q: 100), 16, 1);
        Assert.True(seen[8] > 200 && seen[15 * 16 + 8] < 50, $"top {seen[8]}, bottom {seen[15 * 16 + 8]}");
    }

    [Theory]
    [MemberData(nameof(BadFiles))]
    public void BadFilesAreRefusedWithAReason(byte[] file, string reason)
    {
        var error = Assert.Throws<BadImageException>(() => ImageCodec.DecodeSquare(file, 8, 1));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    public static TheoryData<byte[], string> BadFiles()
    {
        using var noise = Image.Gaussnoise(64, 64).Cast(Enums.BandFormat.Uchar);
        var (png, jpeg) = (noise.PngsaveBuffer(), noise.JpegsaveBuffer());
        return new TheoryData<byte[], string>
        {
            { [], "empty file" },
            { "<svg xmlns='http://www.w3.org/2000/svg'/>"u8.ToArray(), "neither PNG" },
            { "GIF89a......."u8.ToArray(), "neither PNG" },
            { png[..(png.Length / 2)], "cannot be decoded" },
            { jpeg[..(jpeg.Length / 2)], "cannot be decoded" },
            { png[..20], "cannot be decoded" },
        };
    }

    [Fact]
    public void ABombIsRefusedByItsHeaderAlone()
    {
        var error = Assert.Throws<BadImageException>(() => ImageCodec.DecodeSquare(Bomb(), 8, 1));
        Assert.Contains("30000 x 30000", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void GridsPlacePicturesInRows()
    {
        byte[][] images = [Flat(10), Flat(20), Flat(30)];
        var grid = ImageCodec.DecodePng(ImageGrid.Png(images, channels: 1, size: 4, columns: 2, scale: 3));
        Assert.Equal((27, 27, 1), (grid.Width, grid.Height, grid.Channels));
        byte At(int x, int y) => grid.Pixels[y * 27 + x];
        Assert.Equal((10, 20, 30, 255, 255), (At(0, 0), At(15, 11), At(11, 26), At(13, 0), At(20, 20)));
    }

    private static byte[] Flat(byte value) => [.. Enumerable.Repeat(value, 16)];

    private static byte[] Noise(int count) => [.. Enumerable.Range(0, count).Select(i => (byte)(i * 7919 % 253))];

    // A well-formed PNG header of 30,000 x 30,000 with next to no data behind it.
    private static byte[] Bomb()
    {
        var png = ImageCodec.EncodePng(new byte[64], 1, 8, 8);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), 30000);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), 30000);
        BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), Crc32(png.AsSpan(12, 17)));
        return png;
    }

    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
            }
        }

        return ~crc;
    }
}
