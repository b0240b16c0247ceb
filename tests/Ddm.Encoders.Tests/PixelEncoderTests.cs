using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Encoders.Tests;

public sealed class PixelEncoderTests
{
    [Fact]
    public void AllComponentsKeepAllDistances()
    {
        using var pixels = Pictures(40, 1, 4);
        using var encoder = PixelEncoder.Fit(pixels, 16, 1);
        using var scope = NewDisposeScope();
        var features = encoder.Encode(pixels).to(float64);
        var original = pixels.to(float64).flatten(1) / 127.5;
        Assert.True(allclose(cdist(features, features), cdist(original, original), rtol: 1e-5, atol: 1e-5));
    }

    [Fact]
    public void FewComponentsKeepTheMostVarianceAndAreUncorrelated()
    {
        using var pixels = Pictures(200, 3, 6);
        using var encoder = PixelEncoder.Fit(pixels, 5, 1);
        using var scope = NewDisposeScope();
        var features = encoder.Encode(pixels).to(float64);
        Assert.Equal([200, 5], features.shape);
        Assert.True(features.mean([0]).abs().max().item<double>() < 1e-4);
        var covariance = features.t().mm(features) / 200.0;
        var variances = encoder.Variances.to(float64);
        Assert.True(allclose(covariance, diag(variances), rtol: 1e-3, atol: 1e-4));
        Assert.True(variances[0].item<double>() >= variances[4].item<double>());
    }

    [Fact]
    public void SavingKeepsEveryFeature()
    {
        using var pixels = Pictures(60, 3, 5);
        using var encoder = PixelEncoder.Fit(pixels, 7, 1);
        using var file = new MemoryStream();
        encoder.Save(file);
        file.Position = 0;
        using var bundle = TensorFile.Load(file);
        using var loaded = ImageEncoders.Open(new FeaturesSpec(), "encoder", bundle);
        using var before = encoder.Encode(pixels);
        using var after = loaded.Encode(pixels);
        Assert.Equal(before.data<float>().ToArray(), after.data<float>().ToArray());
        Assert.Equal("pixels-7@3x5x5", loaded.Id);
        Assert.Equal(7, loaded.Dimensions);
    }

    [Fact]
    public void TheLargestEntryOfAComponentIsPositive()
    {
        using var pixels = Pictures(60, 1, 5);
        using var encoder = PixelEncoder.Fit(pixels, 7, 1);
        using var file = new MemoryStream();
        encoder.Save(file);
        file.Position = 0;
        using var bundle = TensorFile.Load(file);
        using var scope = NewDisposeScope();
        var components = bundle.Tensors["components"];
        Assert.True((components.amax([1]) >= -components.amin([1])).all().item<bool>());
    }

    [Fact]
    public void LargePicturesAreAveragedToThirtyTwo()
    {
        using var square = Pictures(10, 1, 64);
        using var pixels = square.narrow(3, 0, 2).contiguous(); // 64 x 2: few pixels make a small covariance
        using var encoder = PixelEncoder.Fit(pixels, 4, 1);
        using var file = new MemoryStream();
        encoder.Save(file);
        file.Position = 0;
        using var bundle = TensorFile.Load(file);
        Assert.Equal([4, 64], bundle.Tensors["components"].shape);
        using var scope = NewDisposeScope();
        var averages = pixels.to(float32).reshape(10, 32, 2, 2).mean([2]).flatten(1) / 127.5;
        Assert.True(allclose(bundle.Tensors["mean"], averages.mean([0]) - 1.0, atol: 1e-5));
    }

    [Fact]
    public void OtherShapesAndOtherFilesAreRefused()
    {
        using var pixels = Pictures(20, 1, 5);
        using var encoder = PixelEncoder.Fit(pixels, 4, 1);
        using var other = Pictures(20, 1, 6);
        Assert.Throws<ArgumentException>(() => encoder.Encode(other));
        using var empty = new TensorBundle(new Dictionary<string, Tensor>(), new Dictionary<string, string>());
        Assert.Throws<InvalidDataException>(() => PixelEncoder.Load(empty));
        Assert.Contains("'dino'", Assert.Throws<UserErrorException>(() => ImageEncoders.NeedsSample(new FeaturesSpec { Encoder = "dino" })).Message, StringComparison.Ordinal);
        Assert.True(ImageEncoders.NeedsSample(new FeaturesSpec()));
    }

    [Fact]
    public void NoTensorOutlivesAnEncoder()
    {
        using var pixels = Pictures(20, 1, 5);
        var before = Tensor.TotalCount;
        using (var encoder = PixelEncoder.Fit(pixels, 4, 1))
        {
            encoder.Encode(pixels).Dispose();
        }

        Assert.Equal(before, Tensor.TotalCount);
    }

    private static Tensor Pictures(int count, int channels, int size)
    {
        var philox = Philox.Create(1, 0, 1005);
        var values = new float[count * channels * size * size];
        philox.FillUniform(values, 0, 0);
        return tensor(Array.ConvertAll(values, value => (byte)(value * 256)), [count, channels, size, size]);
    }
}
