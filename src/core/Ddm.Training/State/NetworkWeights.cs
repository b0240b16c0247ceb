using Ddm.Diffusion;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Training;

/// <summary>Weights of a network as named tensors, under the names of facebookresearch/DiT.</summary>
public static class NetworkWeights
{
    // Frozen and recomputed: published checkpoints carry it, ours do not.
    private const string PositionTable = "pos_embed";

    /// <summary>The trained weights in the order of their names.</summary>
    public static IReadOnlyList<(string Name, Tensor Tensor)> Of(TransformerTrunk network)
        => [.. network.TrainableParameters().Select(p => (p.Name, (Tensor)p.Parameter))];

    /// <summary>Overwrites a network's weights.</summary>
    /// <exception cref="InvalidDataException">A weight is missing, of another shape or type, not finite, or none of the network's; the message names it.</exception>
    public static void Load(TransformerTrunk network, TensorBundle bundle) => Load(Of(network), "", bundle);

    /// <summary>Overwrites a network's weights from a file, with no copy beside them; matrices that are kept as bfloat16 are rounded. Of a file that is refused while it is read some are overwritten.</summary>
    /// <param name="network">On the CPU.</param>
    /// <param name="stream">A safetensors file; seekable.</param>
    /// <exception cref="InvalidDataException">As for the other overload; or it is no such file.</exception>
    public static void Load(TransformerTrunk network, Stream stream)
        => TensorFile.LoadInto(stream, Of(network).ToDictionary(t => t.Name, t => t.Tensor, StringComparer.Ordinal), [PositionTable]);

    /// <summary>Overwrites the weights that a bundle holds, and leaves the others.</summary>
    /// <exception cref="InvalidDataException">A tensor is of another shape or type, not finite, or none of the network's; the message names it.</exception>
    internal static void Overlay(TransformerTrunk network, TensorBundle bundle)
    {
        bundle.RequireFinite();
        var targets = Of(network).ToDictionary(t => t.Name, t => t.Tensor, StringComparer.Ordinal);
        using var gradientsOff = no_grad();
        foreach (var name in bundle.Tensors.Keys)
        {
            if (!targets.TryGetValue(name, out var target))
            {
                throw new InvalidDataException($"Tensor '{name}' is none of this network's.");
            }

            target.copy_(bundle.Require(name, target.shape));
        }
    }

    /// <summary>Overwrites tensors that the bundle holds as <paramref name="prefix"/> + name, and refuses whatever else it holds under this prefix.</summary>
    internal static void Load(IReadOnlyList<(string Name, Tensor Tensor)> targets, string prefix, TensorBundle bundle)
    {
        bundle.RequireFinite();
        var sources = targets.Select(t => bundle.Require(prefix + t.Name, t.Tensor.shape)).ToArray();
        var known = targets.Select(t => prefix + t.Name).Append(PositionTable).ToHashSet(StringComparer.Ordinal);
        var stray = bundle.Tensors.Keys.FirstOrDefault(name => name.StartsWith(prefix, StringComparison.Ordinal) && !known.Contains(name));
        if (stray is not null)
        {
            throw new InvalidDataException($"Tensor '{stray}' is none of this network's.");
        }

        using var gradientsOff = no_grad();
        for (var i = 0; i < sources.Length; i++)
        {
            targets[i].Tensor.copy_(sources[i]);
        }
    }
}
