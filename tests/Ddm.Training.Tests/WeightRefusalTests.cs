using System.Text;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Training.Tests;

/// <summary>Weights that are not this network's: refused by the tensor's name, and the network keeps what it had.</summary>
public sealed class WeightRefusalTests
{
    public WeightRefusalTests() => TorchNative.EnsureLoaded();

    private const string Bias = "final_layer.linear.bias", Embed = "x_embedder.proj.weight";

    public static TheoryData<string, string> Damages => new()
    {
        { "missing", $"Tensor '{Bias}' is missing." },
        { "extra", "Tensor 'blocks.9.attn.qkv.weight' is none of this network's." },
        { "shape", $"Tensor '{Bias}' is Float32 [4, 4] where Float32 [16] is needed." },
        { "type", $"Tensor '{Bias}' is Float16 [16] where Float32 [16] is needed." },
        { "nan", $"Tensor '{Bias}' has values that are not finite." },
        { "infinity", $"Tensor '{Bias}' has values that are not finite." },
        { "architecture", $"Tensor '{Embed}' is Float32 [48, 1, 4, 4] where Float32 [32, 1, 4, 4] is needed." },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public void WeightsThatDoNotFitAreRefusedByTensorAndTheNetworkKeepsItsOwn(string damage, string message)
    {
        using var scope = NewDisposeScope();
        var config = Workshop.Config(Role.Expert(0));
        using var network = new DiT(config);
        using var other = new DiT(damage == "architecture" ? config with { Hidden = 48 } : config);
        network.Initialize(1, 1);
        other.Initialize(2, 2);
        var before = Fingerprint(network);
        var tensors = NetworkWeights.Of(other).ToDictionary(t => t.Name, t => t.Tensor.detach());
        Change(tensors, damage);
        var error = Assert.Throws<InvalidDataException>(() =>
        {
            using var bundle = TensorFile.Load(Save(tensors));
            NetworkWeights.Load(network, bundle);
        });
        Assert.Equal(message, error.Message);
        Assert.Equal(before, Fingerprint(network));
    }

    public static TheoryData<byte[], string> Files => new()
    {
        {
            [.. "PK\x03\x04"u8, 0, 0, 8, 8, 0, 0, 0, 0, .. "archive/data.pkl"u8],
            "Not a safetensors file: it begins as a zip archive, as torch.save writes it (.pt, .pth, .bin). Such files can run code and are never read: "
                + "save the tensors with the safetensors library instead."
        },
        {
            [0x80, 2, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20],
            "Not a safetensors file: it begins as a Python pickle, as torch.save writes it (.pt, .pth, .bin). Such files can run code and are never read: "
                + "save the tensors with the safetensors library instead."
        },
        { [0xE8, 3, 0, 0, 0, 0, 0, 0, .. "{}"u8], "The safetensors file is cut off: a header of 1000 bytes in a file of 10." },
        {
            Raw("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}""", 6),
            "Tensor 'b' begins at byte 2 where 4 was due: it overlaps the tensor before it."
        },
        {
            Raw("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[6,10]}}""", 10),
            "Tensor 'b' begins at byte 6 where 4 was due: it leaves a hole before it."
        },
        { Raw("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4), "Tensor 'a' has data from 0 to 4, but F32 [2] takes 8 bytes." },
        { Raw("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 6), "Tensor 'a' ends at byte 8 of the data, which has 6: the file is cut off." },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public void FilesThatAreNoSafetensorsAreRefusedBeforeATensorIsMade(byte[] file, string message)
        => Assert.Equal(message, Assert.Throws<InvalidDataException>(() => TensorFile.Load(new MemoryStream(file)).Dispose()).Message);

    private static void Change(Dictionary<string, Tensor> tensors, string damage)
    {
        switch (damage)
        {
            case "missing": tensors.Remove(Bias); break;
            case "extra": tensors["blocks.9.attn.qkv.weight"] = zeros(3); break;
            case "shape": tensors[Bias] = tensors[Bias].reshape(4, 4); break;
            case "type": tensors[Bias] = tensors[Bias].to(ScalarType.Float16); break;
            case "nan": tensors[Bias] = tensors[Bias].clone().fill_(float.NaN); break;
            case "infinity": tensors[Bias] = tensors[Bias].clone().fill_(float.NegativeInfinity); break;
            default: break;
        }
    }

    private static MemoryStream Save(Dictionary<string, Tensor> tensors)
    {
        var stream = new MemoryStream();
        TensorFile.Save(stream, [.. tensors.Select(t => (t.Key, t.Value))]);
        stream.Position = 0;
        return stream;
    }

    private static string Fingerprint(TransformerTrunk network)
    {
        using var stream = new MemoryStream();
        TensorFile.Save(stream, NetworkWeights.Of(network));
        return Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(stream.ToArray()));
    }

    private static byte[] Raw(string header, int data) => [.. BitConverter.GetBytes((long)header.Length), .. Encoding.UTF8.GetBytes(header), .. new byte[data]];
}
