using System.Text;
using Ddm.Runs;

namespace Ddm.Encoders.Tests;

public class PreparationFileTests
{
    [Fact]
    public void WithoutAFileAModelIsPreparedAsImageNetIs()
    {
        var prepared = PreparationFile.Parse("m.json", null, null);
        Assert.Equal((224, 256, 1f, false), (prepared.Side, prepared.ShorterSide, prepared.Scale, prepared.IsBlueFirst));
        Assert.Equal([0.485f, 0.456f, 0.406f], prepared.Mean);
        Assert.Equal([0.229f, 0.224f, 0.225f], prepared.Deviation);
        prepared = PreparationFile.Parse("m.json", null, 448);
        Assert.Equal((448, 512), (prepared.Side, prepared.ShorterSide));
    }

    [Fact]
    public void EveryKeyIsTakenAndWhatIsLeftOutFollowsTheOthers()
    {
        var prepared = Parse("""{"image_size": 32, "resize": 40, "channels": "bgr", "scale": 255, "mean": [1, 2, 3], "std": [4, 5, 6]}""");
        Assert.Equal((32, 40, 255f, true), (prepared.Side, prepared.ShorterSide, prepared.Scale, prepared.IsBlueFirst));
        Assert.Equal([1f, 2, 3], prepared.Mean);
        Assert.Equal([4f, 5, 6], prepared.Deviation);

        prepared = Parse("""{"image_size": 112, "channels": "bgr", "scale": 255}"""); // the usual numbers, in the network's order and measure
        Assert.Equal((112, 128), (prepared.Side, prepared.ShorterSide));
        Assert.Equal([0.406f * 255, 0.456f * 255, 0.485f * 255], prepared.Mean);
        Assert.Equal([0.225f * 255, 0.224f * 255, 0.229f * 255], prepared.Deviation);
    }

    [Theory]
    [InlineData("""{"size": 32}""", "size")]
    [InlineData("""{"image_size": 0}""", "image_size must be between 1 and 4096")]
    [InlineData("""{"image_size": 32, "resize": 31}""", "resize must be between 32 and 4096")]
    [InlineData("""{"channels": "RGB"}""", "channels must be rgb or bgr")]
    [InlineData("""{"scale": 0}""", "scale must be a number above 0")]
    [InlineData("""{"mean": [1, 2]}""", "mean must be a list of three numbers")]
    [InlineData("""{"std": [1, 2, 0]}""", "std must be a list of three numbers above 0")]
    [InlineData("""{"std": "1"}""", "std")]
    [InlineData("null", "it holds null")]
    [InlineData("{", "JSON")]
    public void WhatIsWrongIsRefusedByItsKey(string json, string expected)
    {
        var message = Assert.Throws<UserErrorException>(() => Parse(json)).Message;
        Assert.StartsWith("m.json: ", message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.EndsWith("its keys are image_size, resize, channels, scale, mean, std.", message, StringComparison.Ordinal);
    }

    private static PicturePreparation Parse(string json) => PreparationFile.Parse("m.json", Encoding.UTF8.GetBytes(json), null);
}
