using Ddm.Runs;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Ddm.Encoders;

/// <summary>
/// The weights of a published network by their published names: as many, of such shapes, as its architecture has, all finite, float32. Owns them. Nothing is ever half
/// loaded: a file that is not wholly right gives an error and no weights.
/// </summary>
public sealed class PublishedWeights : IDisposable
{
    private readonly Dictionary<string, Tensor> tensors;

    private PublishedWeights(Dictionary<string, Tensor> tensors) => this.tensors = tensors;

    /// <summary>All of them, ordered by name.</summary>
    public IReadOnlyList<(string Name, Tensor Tensor)> All => [.. tensors.OrderBy(t => t.Key, StringComparer.Ordinal).Select(t => (t.Key, t.Value))];

    /// <summary>A tensor by its whole name.</summary>
    public Tensor this[string name] => tensors[name];

    /// <summary>Takes the tensors of a file.</summary>
    /// <param name="file">What the weights were read from, for messages.</param>
    /// <param name="network">What they are to be: <c>DINOv2 of 12 blocks</c>.</param>
    /// <param name="found">The file's tensors; still the caller's.</param>
    /// <param name="layout">Names and shapes of the architecture.</param>
    /// <exception cref="UserErrorException">A tensor is missing, of another shape, no floating-point numbers, not finite, or belongs to another network; the message names it.</exception>
    public static PublishedWeights Take(
        string file, string network, IReadOnlyDictionary<string, Tensor> found, IReadOnlyCollection<(string Name, long[] Shape)> layout)
    {
        Require(file, network, found, layout);
        using var noGradient = no_grad();
        return new PublishedWeights(layout.ToDictionary(
            entry => entry.Name,
            entry =>
            {
                using var scope = NewDisposeScope();
                var tensor = found[entry.Name];
                return (tensor.dtype == ScalarType.Float32 ? tensor.clone() : tensor.to(ScalarType.Float32)).reshape(entry.Shape).DetachFromDisposeScope();
            },
            StringComparer.Ordinal));
    }

    /// <summary>Weights that are in memory already; takes them over.</summary>
    internal static PublishedWeights Of(IReadOnlyDictionary<string, Tensor> tensors) => new(new Dictionary<string, Tensor>(tensors, StringComparer.Ordinal));

    /// <summary>The same weights under other names, some laid one behind the other; copies.</summary>
    internal PublishedWeights Joined(IEnumerable<(string Name, string[] Parts)> names)
    {
        using var noGradient = no_grad();
        return new PublishedWeights(names.ToDictionary(
            entry => entry.Name, entry => cat([.. entry.Parts.Select(part => tensors[part])], dim: 0).DetachFromDisposeScope(), StringComparer.Ordinal));
    }

    /// <summary>Weights whose names begin with <paramref name="prefix"/> and a dot.</summary>
    internal WeightScope At(string prefix) => new(this, prefix + ".");

    /// <summary>Puts a weight in the place of another, which is disposed.</summary>
    internal void Replace(string name, Tensor tensor)
    {
        tensors[name].Dispose();
        tensors[name] = tensor.DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in tensors.Values)
        {
            tensor.Dispose();
        }
    }

    /// <summary>Refuses tensors that are not wholly an architecture's.</summary>
    /// <exception cref="UserErrorException">As for <see cref="Take"/>.</exception>
    internal static void Require(string file, string network, IReadOnlyDictionary<string, Tensor> found, IReadOnlyCollection<(string Name, long[] Shape)> layout)
    {
        foreach (var (name, shape) in layout)
        {
            if (!found.TryGetValue(name, out var tensor))
            {
                throw Error($"tensor '{name}' is missing");
            }

            if (!shape.AsSpan().SequenceEqual(tensor.shape))
            {
                throw Error($"tensor '{name}' is [{string.Join(", ", tensor.shape)}] where [{string.Join(", ", shape)}] is needed");
            }

            if (!tensor.is_floating_point())
            {
                throw Error($"tensor '{name}' holds {tensor.dtype} where floating-point numbers are needed");
            }

            using var scope = NewDisposeScope();
            if (!tensor.isfinite().all().item<bool>())
            {
                throw Error($"tensor '{name}' has values that are not finite");
            }
        }

        var known = layout.Select(entry => entry.Name).ToHashSet(StringComparer.Ordinal);
        if (found.Keys.Where(name => !known.Contains(name)).Order(StringComparer.Ordinal).FirstOrDefault() is { } extra)
        {
            throw Error($"tensor '{extra}' belongs to no such network");
        }

        UserErrorException Error(string what) => new($"{file}: {what}. The file was read as {network}; give the weights of such a network.");
    }
}

/// <summary>Weights under one prefix, with the layers that read them.</summary>
internal readonly record struct WeightScope(PublishedWeights Weights, string Prefix)
{
    public Tensor this[string name] => Weights[Prefix + name];

    public WeightScope At(string prefix) => new(Weights, $"{Prefix}{prefix}.");

    /// <summary>x W^T + b: [..., in] -> [..., out].</summary>
    public Tensor Linear(Tensor x, string layer) => F.linear(x, this[layer + ".weight"], this[layer + ".bias"]);

    /// <summary>Layer norm over the last dimension.</summary>
    public Tensor LayerNorm(Tensor x, string layer, double eps) => F.layer_norm(x, [x.size(-1)], this[layer + ".weight"], this[layer + ".bias"], eps);

    /// <summary>Group norm over [N, C, H, W].</summary>
    public Tensor GroupNorm(Tensor x, string layer, long groups, double eps) => F.group_norm(x, groups, this[layer + ".weight"], this[layer + ".bias"], eps);

    /// <summary>Convolution: [N, C, H, W] -> [N, C', H', W'].</summary>
    public Tensor Convolve(Tensor x, string layer, long padding = 0, long stride = 1)
        => F.conv2d(x, this[layer + ".weight"], this[layer + ".bias"], [stride, stride], [padding, padding], null, 1);
}
