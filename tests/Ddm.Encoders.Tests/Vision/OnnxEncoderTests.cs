using Ddm.Runs;
using Ddm.Tensors;
using Ddm.Tests;
using static TorchSharp.torch;

namespace Ddm.Encoders.Tests;

/// <summary>Encoders that torch exported to ONNX, against what torch answered: <c>tests/tools/make_onnx.py</c>.</summary>
public class OnnxEncoderTests
{
    [Theory]
    [InlineData("onnx-features", FeaturePooling.Cls)]
    [InlineData("onnx-tokens", FeaturePooling.Cls)]
    [InlineData("onnx-tokens", FeaturePooling.Mean)]
    public void FeaturesAreThoseOfTorch(string folder, FeaturePooling pooling)
    {
        using var scope = NewDisposeScope();
        using var fixture = new Fixture(Folder(folder));
        using var encoder = OnnxEncoder.Open(Path.Combine(Folder(folder), "model.onnx"), pooling);
        var tokens = fixture["output"];
        var expected = tokens.dim() == 2 ? tokens : pooling == FeaturePooling.Cls ? tokens.select(1, 0) : tokens.narrow(1, 1, tokens.size(1) - 1).mean([1L]);
        Assert.Equal(expected.size(1), encoder.Dimensions);
        Assert.InRange(Fixture.Distance(encoder.Encode(Pictures()), expected), 0, 1e-5);
    }

    [Fact]
    public void AModelOfOnePictureAtATimeIsPreparedAsTheFileBesideItSays()
    {
        using var scope = NewDisposeScope();
        using var fixture = new Fixture(Folder("onnx-one"));
        using var encoder = OnnxEncoder.Open(Path.Combine(Folder("onnx-one"), "model.onnx"), FeaturePooling.Cls);
        Assert.Equal(12, encoder.Dimensions);
        Assert.InRange(Fixture.Distance(encoder.Encode(Pictures()), fixture["output"]), 0, 1e-5);
    }

    [Theory]
    [InlineData("onnx-features")]
    [InlineData("onnx-one")]
    public void APreparedModelIsTheSameEncoder(string folder)
    {
        using var scope = NewDisposeScope();
        var spec = new FeaturesSpec { Encoder = FeaturesSpec.Onnx, Weights = "model.onnx" };
        using var stream = new MemoryStream();
        ImageEncoders.Prepare(spec, Folder(folder), null, 0, stream);
        stream.Position = 0;
        using var bundle = TensorFile.Load(stream);
        using var prepared = ImageEncoders.Open(spec, "encoder", bundle);
        using var opened = OnnxEncoder.Open(Path.Combine(Folder(folder), "model.onnx"), FeaturePooling.Cls);
        Assert.Equal(opened.Id, prepared.Id);
        Assert.True(opened.Encode(Pictures()).Equals(prepared.Encode(Pictures())));
    }

    [Fact]
    public void WhatIsNoImageEncoderIsRefused()
    {
        var folder = Directory.CreateTempSubdirectory("ddm-onnx-");
        var file = Path.Combine(folder.FullName, "broken.onnx");
        File.WriteAllBytes(file, [1, 2, 3]);
        Assert.StartsWith($"{file} cannot be read as ONNX: ", Assert.Throws<UserErrorException>(() => OnnxEncoder.Open(file, FeaturePooling.Cls)).Message, StringComparison.Ordinal);
        folder.Delete(recursive: true);
    }

    [Fact]
    public void WhatIsBesideTheModelTellsEncodersApartAndMustFitIt()
    {
        var folder = Directory.CreateTempSubdirectory("ddm-onnx-");
        try
        {
            var model = Path.Combine(folder.FullName, "m.onnx");
            var beside = Path.Combine(folder.FullName, "m.json");
            File.Copy(Path.Combine(Folder("onnx-one"), "model.onnx"), model);
            var ids = new HashSet<string>();
            foreach (var content in (string?[])[null, "{}", "{\"channels\": \"bgr\"}"])
            {
                if (content is not null)
                {
                    File.WriteAllText(beside, content);
                }

                using var encoder = OnnxEncoder.Open(model, FeaturePooling.Cls); // 96 x 96 are the model's own
                Assert.True(ids.Add(encoder.Id));
            }

            File.WriteAllText(beside, "{\"image_size\": 224}");
            Assert.StartsWith($"{beside}: image_size is 224, but the model takes pictures of 96 x 96.",
                Assert.Throws<UserErrorException>(() => OnnxEncoder.Open(model, FeaturePooling.Cls)).Message, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Folder(string name) => Path.Combine(FixtureFolders.InRepository(), name);

    // As the script makes them.
    private static Tensor Pictures()
    {
        var pixels = new byte[3 * 3 * 256 * 256];
        for (var i = 0; i < pixels.Length; i++)
        {
            var (n, c, row, column) = (i / (3 * 65536), i / 65536 % 3, i / 256 % 256, i % 256);
            pixels[i] = (byte)(((7 * row) + (13 * column) + (31 * c) + (57 * n)) % 256);
        }

        return tensor(pixels, [3, 3, 256, 256], ScalarType.Byte);
    }
}
