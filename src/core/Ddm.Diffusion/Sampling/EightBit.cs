using Ddm.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>Between values of networks and the 256 levels of a byte, which pictures are read from, written as and judged as.</summary>
public static class EightBit
{
    private static readonly Scalar HalfRange = 127.5;
    private static readonly Scalar Top = 255;

    /// <summary>[-1, 1] to 0 .. 255, the nearest level; what lies outside is clamped.</summary>
    /// <param name="images">Any shape and float type.</param>
    /// <returns>The same shape and device, uint8.</returns>
    public static Tensor Levels(Tensor images)
    {
        using var scope = NewDisposeScope();
        // clamped before it becomes a byte; every step is one IEEE operation, so that no level depends on a picture's place in the batch
        return images.to(ScalarType.Float32).PlusOne().mul_(HalfRange).round_().clamp_(Arithmetic.Zero, Top).to(ScalarType.Byte).MoveToOuterDisposeScope();
    }

    /// <summary>The values that pictures of these levels have: rounds to them.</summary>
    /// <returns>The same shape, float32 in [-1, 1].</returns>
    public static Tensor Quantize(Tensor images)
    {
        using var scope = NewDisposeScope();
        return Images(Levels(images)).MoveToOuterDisposeScope();
    }

    /// <summary>The values that levels stand for.</summary>
    /// <param name="levels">Any shape, uint8.</param>
    /// <returns>The same shape and device, float32 in [-1, 1].</returns>
    public static Tensor Images(Tensor levels) => levels.to(ScalarType.Float32).div_(HalfRange).sub_(Arithmetic.One);
}
