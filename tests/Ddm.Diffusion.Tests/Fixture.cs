using System.Text.Json;
using Ddm.Storage;
using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

/// <summary>A folder of inputs and outputs of a reference implementation.</summary>
internal sealed class Fixture(string folder)
{
    /// <summary>Every folder of tests/fixtures and of $DDM_FIXTURES whose name starts with the prefix: its name, which names the test, and its path.</summary>
    public static TheoryData<string> Folders(string prefix)
        => [.. Roots().SelectMany(root => Directory.GetDirectories(root, prefix + "*")).Select(path => Path.GetFileName(path)!).Distinct().Order(StringComparer.Ordinal)];

    public static Fixture Open(string name) => new(Roots().Select(root => Path.Combine(root, name)).First(Directory.Exists));

    public JsonElement Config { get; } = File.Exists(Path.Combine(folder, "config.json"))
        ? JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "config.json"))).RootElement
        : default;

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

    private static IEnumerable<string> Roots()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "DdmAspire.sln")))
        {
            folder = folder.Parent;
        }

        string?[] roots = [folder is null ? null : Path.Combine(folder.FullName, "tests", "fixtures"), Environment.GetEnvironmentVariable("DDM_FIXTURES")];
        return roots.OfType<string>().Where(Directory.Exists);
    }
}
