using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>A block of a diffusion transformer.</summary>
internal abstract class TransformerBlock(string name) : nn.Module(name)
{
    /// <summary>x [N, T, D] -> [N, T, D].</summary>
    public abstract Tensor Forward(Tensor x, Conditioning condition, ComputeType type);

    /// <summary>The first token of <see cref="Forward"/> alone, x [N, T, D] -> [N, 1, D]: no query, projection or MLP of tokens that nobody reads.</summary>
    public abstract Tensor ForwardFirst(Tensor x, Conditioning condition, ComputeType type);
}
