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
}
