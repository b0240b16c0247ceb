using System.Text.Json;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Encoders.Tests;

/// <summary>One folder of a reference's inputs and outputs.</summary>
internal sealed class Fixture : IDisposable
{
    private readonly TensorBundle io;

    public Fixture(string folder)
    {
        Folder = folder;
        using var stream = File.OpenRead(Path.Combine(folder, "io.safetensors"));
        io = TensorFile.Load(stream);
    }

    public string Folder { get; }

    public IReadOnlyDictionary<string, Tensor> Tensors => io.Tensors;

    public Tensor this[string name] => io.Tensors[name];

    public JsonElement Config => JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "config.json"))).RootElement;

    /// <summary>Suffixes of the tensors that begin with a prefix: the sizes of <c>input_98x98</c>.</summary>
    public IReadOnlyList<string> Suffixes(string prefix)
    {
        var found = Tensors.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Select(name => name[prefix.Length..]).ToArray();
        Assert.NotEmpty(found);
        return found;
    }

    public static double Distance(Tensor actual, Tensor expected)
    {
        Assert.Equal(expected.shape, actual.shape);
        using var scope = NewDisposeScope();
        return actual.to(ScalarType.Float64).Minus(expected.to(ScalarType.Float64)).abs().max().item<double>();
    }

    public void Dispose() => io.Dispose();
}
