using System.Text.Json;
using Ddm.Storage;
using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

/// <summary>A folder of inputs and outputs of a reference implementation.</summary>
internal sealed class Fixture(string folder)
{
    /// <summary>A JSON file of the folder: <c>config.json</c>, <c>expected.json</c>.</summary>
    public JsonElement Json(string file) => JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, file))).RootElement;

    public Dictionary<string, Tensor> Load(string file)
    {
        using var stream = File.OpenRead(Path.Combine(folder, file));
        var header = SafetensorsHeader.Parse(stream);
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var info in header.Tensors)
        {
            var bytes = new byte[info.Length];
            stream.Position = header.DataStart + info.Begin;
            stream.ReadExactly(bytes);
            tensors[info.Name] = tensor(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(bytes).ToArray(), info.Shape);
        }

        return tensors;
    }
}
