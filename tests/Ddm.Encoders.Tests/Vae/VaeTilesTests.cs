using Ddm.Tests;
using static TorchSharp.torch;

namespace Ddm.Encoders.Tests;

public class VaeTilesTests
{
    private static readonly string Folder = Path.Combine(FixtureFolders.InRepository(), "vae-l1");

    [Fact]
    public void APictureThatFitsInATileIsExactAndRowsAreThoseOfABatch()
    {
        using var scope = NewDisposeScope();
        using var file = WeightFile.Open(Folder);
        using var vae = AutoencoderKL.Load(file);
        var image = rand(3, 3, 32, 32);
        var tiles = new VaeTiles(vae);
        Assert.InRange(Fixture.Distance(tiles.Encode(image), vae.Encode(image)), 0, 1e-4);
        var latent = randn(3, 4, 4, 4);
        Assert.InRange(Fixture.Distance(tiles.Decode(latent), vae.Decode(latent)), 0, 1e-4);
    }

    /// <summary>Where what is done to a place depends on nothing else, tiles must give the whole, whatever their number and overlap.</summary>
    [Theory]
    [InlineData(16, 16)]
    [InlineData(17, 40)]
    [InlineData(50, 23)]
    public void TilesAreBlendedToTheWhole(int height, int width)
    {
        using var scope = NewDisposeScope();
        var x = randn(1, 4, height, width);
        var doubled = VaeTiles.Tiled(x, side: 16, grow: 2, shrink: 1, channels: 4, Double);
        Assert.InRange(Fixture.Distance(doubled, Double(x)), 0, 1e-5);

        static Tensor Double(Tensor part) => part.repeat_interleave(2, 2).repeat_interleave(2, 3);
    }

    [Fact]
    public void LargePicturesGoThroughInTiles()
    {
        using var scope = NewDisposeScope();
        using var file = WeightFile.Open(Folder);
        using var vae = AutoencoderKL.Load(file);
        var moments = new VaeTiles(vae, tile: 16).Encode(rand(1, 3, 160, 232));
        Assert.Equal([1, 8, 20, 29], moments.shape);
        Assert.True(moments.isfinite().all().item<bool>());
        Assert.Equal([1, 3, 160, 232], new VaeTiles(vae, tile: 16).Decode(moments.narrow(1, 0, 4)).shape);
    }

    [Fact]
    public void NoTensorIsLeftBehind()
    {
        using var file = WeightFile.Open(Folder);
        using var vae = AutoencoderKL.Load(file);
        using var latent = randn(1, 4, 20, 12);
        var before = Tensor.TotalCount;
        new VaeTiles(vae, tile: 16).Decode(latent).Dispose();
        vae.Encode(latent.narrow(1, 0, 3)).Dispose();
        Assert.InRange(Tensor.TotalCount - before, 0, 1); // the narrowed view is the test's own
    }
}
