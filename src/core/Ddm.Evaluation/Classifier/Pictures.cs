using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Evaluation;

/// <summary>What becomes of a drawn tensor when it is written as a picture.</summary>
internal static class Pictures
{
    private static readonly Scalar HalfRange = 127.5;
    private static readonly Scalar One = 1.0;
    private static readonly Scalar Minus = -1.0;

    /// <summary>Clamps to [-1, 1] and rounds to the 256 levels of a byte; float32, still in [-1, 1].</summary>
    public static Tensor Quantize(Tensor images)
    {
        using var scope = NewDisposeScope();
        var levels = images.to(float32).clamp(Minus, One).add(One).mul_(HalfRange).round_();
        return levels.div_(HalfRange).sub_(One).MoveToOuterDisposeScope();
    }
}
