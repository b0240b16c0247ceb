using static TorchSharp.torch;

namespace Ddm.Tensors;

/// <summary>What a file's tensors must be, and what is said where they are not.</summary>
internal static class TensorDemand
{
    /// <summary>The error of a tensor that a file lacks.</summary>
    public static InvalidDataException Missing(string name) => new($"Tensor '{name}' is missing.");

    /// <summary>The error of tensors with NaN or infinite values; the first is named.</summary>
    public static InvalidDataException NotFinite(string name) => new($"Tensor '{name}' has values that are not finite.");

    /// <summary>Refuses a tensor of another shape or type.</summary>
    /// <exception cref="InvalidDataException">It is; the message names it.</exception>
    public static void RequireLike(string name, ScalarType type, ReadOnlySpan<long> shape, ScalarType wantedType, ReadOnlySpan<long> wantedShape)
    {
        if (type != wantedType || !shape.SequenceEqual(wantedShape))
        {
            throw new InvalidDataException(
                $"Tensor '{name}' is {type} [{string.Join(", ", shape.ToArray())}] where {wantedType} [{string.Join(", ", wantedShape.ToArray())}] is needed.");
        }
    }
}
