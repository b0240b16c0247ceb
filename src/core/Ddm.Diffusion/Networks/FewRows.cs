using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Ddm.Diffusion;

/// <summary>
/// Linear layers whose answer for a row does not depend on how many rows there are. Matrix libraries have kernels of their own for one row, for a few, and
/// for what is left over of a few when threads share them, and these add in another order: with MKL the rows of products of 1, 2, 4, 5 and 7 rows differ in their last bits.
/// Blocks of rows (<see cref="RowBlocks"/>) have at most sixteen, so that their products of one row a picture all have the same shape.
/// </summary>
internal static class FewRows
{
    /// <summary>The rows that a product has at least; fewer are filled up with zeros.</summary>
    public const int Fewest = 16;

    /// <summary>x W^T + b: [..., in] -> [..., out].</summary>
    public static Tensor Linear(Tensor x, Tensor weight, Tensor bias)
    {
        var (inputs, outputs) = (weight.size(1), weight.size(0));
        var rows = x.numel() / inputs;
        if (rows >= Fewest)
        {
            return F.linear(x, weight, bias);
        }

        using var none = zeros([Fewest - rows, inputs], x.dtype, x.device);
        var product = F.linear(cat([x.reshape(rows, inputs), none], dim: 0), weight, bias);
        return product.narrow(0, 0, rows).view([.. x.shape[..^1], outputs]);
    }
}
