using Ddm.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>Elementwise arithmetic in which every operation is rounded once, as IEEE 754 says.</summary>
internal static class Rounded
{
    /// <summary>
    /// a + scale b, the product rounded before the sum. As one operation it might be fused or not, and differently in the vectors of a tensor's middle and at its ends: an
    /// element would then depend on its place in the batch.
    /// </summary>
    public static Tensor PlusProduct(this Tensor a, Tensor b, double scale)
    {
        using Scalar factor = scale;
        using var product = b.mul(factor);
        return a.Plus(product);
    }

    /// <summary>a + scale b with a scale for each row: [B, 1, ...] of their type.</summary>
    public static Tensor PlusProduct(this Tensor a, Tensor b, Tensor scale)
    {
        using var product = b * scale;
        return a.Plus(product);
    }
}
