using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Tensors;

/// <summary>
/// Tensor sums that are safe beside a garbage collector. TorchSharp 0.107's <c>a + b</c>, <c>a - b</c>, <c>add(b)</c>, <c>1 - a</c> and <c>a * 2.0</c> make a temporary
/// <see cref="Scalar"/> and hand its bare pointer to native code; a collection during the call may finalise it there, and the kernel reads freed memory: a wrong number or an error such as
/// "Unknown scalar type". Scalars given to torch must therefore be reachable until the call returns: static, a field, or <c>using</c>. Products of two tensors need none.
/// </summary>
public static class Arithmetic
{
    /// <summary>0.</summary>
    public static readonly Scalar Zero = 0;

    /// <summary>1.</summary>
    public static readonly Scalar One = 1;

    /// <summary>-1.</summary>
    public static readonly Scalar MinusOne = -1;

    /// <summary>a + b.</summary>
    public static Tensor Plus(this Tensor a, Tensor b) => a.add(b, One);

    /// <summary>a + scale b.</summary>
    public static Tensor Plus(this Tensor a, Tensor b, double scale)
    {
        using Scalar alpha = scale;
        return a.add(b, alpha);
    }

    /// <summary>a - b.</summary>
    public static Tensor Minus(this Tensor a, Tensor b) => a.add(b, MinusOne);

    /// <summary>1 + a.</summary>
    public static Tensor PlusOne(this Tensor a) => a.add(One, One);

    /// <summary>1 - a.</summary>
    public static Tensor OneMinus(this Tensor a) => a.neg().add(One, One);

    /// <summary>0, 1, ..., count - 1.</summary>
    public static Tensor Range(long count, ScalarType type, Device device)
    {
        using Scalar stop = count;
        return arange(Zero, stop, One, type, device);
    }

    /// <summary>A tensor of one value.</summary>
    public static Tensor Filled(long[] shape, double value, ScalarType type, Device device)
    {
        using Scalar fill = value;
        return full(shape, fill, type, device);
    }
}
