using static TorchSharp.torch;

namespace Ddm.Tensors;

/// <summary>Named tensors that belong together, with the free text of their file. Owns the tensors.</summary>
public sealed class TensorBundle : IDisposable
{
    private readonly IReadOnlyCollection<string>? notFinite;

    /// <summary>A bundle that takes over the given tensors.</summary>
    public TensorBundle(IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        Tensors = tensors;
        Metadata = metadata;
    }

    /// <summary>A bundle of which it is known already which tensors have values that are not finite.</summary>
    internal TensorBundle(IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string> metadata, IReadOnlyCollection<string> notFinite)
        : this(tensors, metadata) => this.notFinite = notFinite;

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, Tensor> Tensors { get; }

    /// <summary>Free text of the file's header.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The tensor of this name, after its shape and type were checked.</summary>
    /// <exception cref="InvalidDataException">It is missing, or of another shape or type; the message names it.</exception>
    public Tensor Require(string name, ReadOnlySpan<long> shape, ScalarType type = ScalarType.Float32)
    {
        if (!Tensors.TryGetValue(name, out var tensor))
        {
            throw TensorDemand.Missing(name);
        }

        TensorDemand.RequireLike(name, tensor.dtype, tensor.shape, type, shape);
        return tensor;
    }

    /// <summary>Refuses tensors that no training leaves behind.</summary>
    /// <exception cref="InvalidDataException">A tensor has NaN or infinite values; the message names the first.</exception>
    public void RequireFinite()
    {
        var bad = (notFinite ?? [.. Tensors.Where(t => !IsFinite(t.Value)).Select(t => t.Key)]).Order(StringComparer.Ordinal).FirstOrDefault();
        if (bad is not null)
        {
            throw TensorDemand.NotFinite(bad);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in Tensors.Values)
        {
            tensor.Dispose();
        }
    }

    private static bool IsFinite(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return !tensor.is_floating_point() || tensor.isfinite().all().item<bool>();
    }
}
