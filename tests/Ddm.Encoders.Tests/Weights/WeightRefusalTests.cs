using Ddm.Runs;
using Ddm.Tensors;
using Ddm.Tests;
using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Encoders.Tests;

/// <summary>Files that are not wholly right are refused by name, and nothing of them stays.</summary>
public sealed class WeightRefusalTests : IDisposable
{
    private static readonly Dictionary<string, Func<WeightFile, IDisposable>> Networks = new(StringComparer.Ordinal)
    {
        ["dinov2-hub-reg4"] = DinoV2.Load,
        ["dinov2-hf-base"] = DinoV2.Load,
        ["vae-l1"] = AutoencoderKL.Load,
        ["clip-text-tiny"] = ClipTextEncoder.Load,
    };

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("ddm-weights-");

    public static TheoryData<string, string> Damages()
    {
        var data = new TheoryData<string, string>();
        foreach (var network in Networks.Keys)
        {
            foreach (var damage in new[] { "missing", "extra", "shape", "type", "infinite" })
            {
                data.Add(network, damage);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Damages))]
    public void EveryTensorThatIsWrongIsNamedAndNothingStays(string network, string damage)
    {
        using var file = Read(network);
        foreach (var name in file.Tensors.Keys.Where((_, i) => i % 7 == 0))
        {
            var path = Write(file, name, damage);
            var before = Tensor.TotalCount;
            var error = Assert.Throws<UserErrorException>(() =>
            {
                using var damaged = WeightFile.Open(path);
                Networks[network](damaged).Dispose();
            });
            Assert.True(Tensor.TotalCount <= before, $"{Tensor.TotalCount - before} tensors stay"); // fewer where a collection has come between
            Assert.Contains(path, error.Message, StringComparison.Ordinal);
            Assert.Contains(damage == "extra" ? "surplus.weight" : Last(name), error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void AWholeFileIsNotRefused()
    {
        foreach (var (network, load) in Networks)
        {
            using var file = Read(network);
            using var whole = WeightFile.Open(Write(file, "", "none"));
            load(whole).Dispose();
        }
    }

    [Theory]
    [InlineData("vae-l1", "dinov2-hub-reg4", "is no DINOv2 network")]
    [InlineData("clip-text-tiny", "vae-l1", "is no AutoencoderKL")]
    [InlineData("dinov2-hf-base", "clip-text-tiny", "belongs to no CLIP")]
    public void AnotherNetworkIsRefused(string given, string wanted, string message)
    {
        using var file = Read(given);
        using var alone = WeightFile.Open(Write(file, "", "none"));
        Assert.Contains(message, Assert.Throws<UserErrorException>(() => Networks[wanted](alone)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[] { (byte)'P', (byte)'K', 3, 4, 0, 0 })]
    [InlineData(new byte[] { 0x80, 2, (byte)'}', (byte)'q' })]
    public void APickleIsRefusedWithTheLinesThatConvertIt(byte[] start)
    {
        var path = Path.Combine(folder.FullName, "dinov2_vits14_pretrain.pth");
        File.WriteAllBytes(path, start);
        var message = Assert.Throws<UserErrorException>(() => WeightFile.Open(path)).Message;
        Assert.Contains("is a Python pickle", message, StringComparison.Ordinal);
        Assert.Contains("import torch, safetensors.torch\n", message, StringComparison.Ordinal);
        Assert.Contains(Path.ChangeExtension(path, ".safetensors"), message, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsNoWeightsIsRefusedByName()
    {
        var nothing = Path.Combine(folder.FullName, "nothing");
        Assert.Contains($"There are no weights at {nothing}", Assert.Throws<UserErrorException>(() => WeightFile.Open(nothing)).Message, StringComparison.Ordinal);
        Assert.Contains("model.safetensors", Assert.Throws<UserErrorException>(() => WeightFile.Open(folder.FullName)).Message, StringComparison.Ordinal);

        var cut = Path.Combine(folder.FullName, "cut.safetensors");
        File.WriteAllBytes(cut, File.ReadAllBytes(Path.Combine(Fixtures(), "vae-l1", "model.safetensors"))[..5000]);
        var message = Assert.Throws<UserErrorException>(() => WeightFile.Open(cut)).Message;
        Assert.StartsWith($"{cut} cannot be read as safetensors: ", message, StringComparison.Ordinal);
    }

    [Fact]
    public void AConfigThatIsWrongIsRefusedByItsEntry()
    {
        using var file = Read("dinov2-hub-reg4");
        var path = Write(file, "", "none");
        var config = Path.Combine(folder.FullName, "config.json");
        foreach (var (text, message) in new[]
        {
            ("{", "is no JSON"), ("{\"num_heads\": \"three\"}", "'num_heads' is \"three\"; it must be a whole number"), ("{\"num_heads\": 7}", "7 heads are no DINOv2 network"),
        })
        {
            File.WriteAllText(config, text);
            Assert.Contains(message, Assert.Throws<UserErrorException>(() =>
            {
                using var wrong = WeightFile.Open(path);
                DinoV2.Load(wrong).Dispose();
            }).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void WhatWasSavedIsTheSameNetwork()
    {
        using var file = WeightFile.Open(Path.Combine(Fixtures(), "dinov2-hub-base"));
        using var stream = new MemoryStream();
        file.Save(stream);
        stream.Position = 0;
        using var again = WeightFile.From("copy", TensorFile.Load(stream));
        using var first = new DinoV2Encoder(file, FeaturePooling.Mean);
        using var second = new DinoV2Encoder(again, FeaturePooling.Mean);
        using var pixels = ones([3, 1, 20, 20], ScalarType.Byte);
        using var features = first.Encode(pixels);
        Assert.Equal([3, 48], features.shape);
        Assert.Equal(first.Id, second.Id);
        using var same = second.Encode(pixels);
        Assert.True(features.Equals(same));
    }

    public void Dispose() => folder.Delete(recursive: true);

    private static WeightFile Read(string network) => WeightFile.Open(Path.Combine(Fixtures(), network));

    private static string Fixtures() => FixtureFolders.InRepository();

    // The part of a Hugging Face name that our name of the tensor has, too.
    private static string Last(string name) => name.Split('.')[^1];

    private string Write(WeightFile file, string name, string damage)
    {
        using var scope = NewDisposeScope();
        var tensors = file.Tensors.ToDictionary(t => t.Key, t => t.Value, StringComparer.Ordinal);
        using Scalar infinite = float.PositiveInfinity;
        switch (damage)
        {
            case "missing":
                tensors.Remove(name);
                break;
            case "extra":
                tensors["surplus.weight"] = zeros(2);
                break;
            case "shape":
                tensors[name] = cat([tensors[name], tensors[name]], dim: 0);
                break;
            case "type":
                tensors[name] = tensors[name].to(ScalarType.Int32);
                break;
            case "infinite":
                tensors[name] = tensors[name].clone().fill_(infinite);
                break;
            default:
                break;
        }

        var path = Path.Combine(folder.FullName, "model.safetensors");
        using var stream = File.Create(path);
        TensorFile.Save(stream, [.. tensors.Select(t => (t.Key, t.Value))]);
        File.Copy(Path.Combine(Path.GetDirectoryName(file.Path)!, "config.json"), Path.Combine(folder.FullName, "config.json"), overwrite: true);
        return path;
    }
}
