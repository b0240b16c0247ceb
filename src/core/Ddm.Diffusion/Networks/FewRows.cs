using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Ddm.Diffusion;

/// <summary>
/// Linear layers and attention whose answer for a row does not depend on how many rows there are. Matrix libraries have kernels of their own for one row, for a few, and
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
        if (rows > Fewest)
        {
            return F.linear(x, weight, bias);
        }

        var flat = x.reshape(rows, inputs); // a product of [16, 1, in] adds in another order than one of [16, in]
        using var none = rows < Fewest ? zeros([Fewest - rows, inputs], x.dtype, x.device) : null;
        var product = F.linear(none is null ? flat : cat([flat, none], dim: 0), weight, bias);
        return product.narrow(0, 0, rows).view([.. x.shape[..^1], outputs]);
    }

    /// <summary>Softmax attention of few queries: q [N, heads, Q, d] over keys and values [N, heads, T, d], those that the mask [N, 1, 1, T] names or all -> [N, heads, Q, d].</summary>
    public static Tensor Attention(Tensor q, Tensor k, Tensor v, Tensor? mask = null)
    {
        var queries = q.size(2);
        if (queries >= Fewest)
        {
            return F.scaled_dot_product_attention(q, k, v, mask);
        }

        using var none = zeros([q.size(0), q.size(1), Fewest - queries, q.size(3)], q.dtype, q.device);
        return F.scaled_dot_product_attention(cat([q, none], dim: 2), k, v, mask).narrow(2, 0, queries);
    }
}
