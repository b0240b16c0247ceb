using Ddm.Diffusion;
using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>Pictures as vectors: at most 32 pixels a side, values in [-1, 1].</summary>
internal static class PixelVectors
{
    /// <summary>Larger pictures are averaged down to this side first.</summary>
    public const int MaxSide = 32;

    /// <summary>[N, C, H, W] uint8 to [N, C min(H, 32) min(W, 32)] float32.</summary>
    public static Tensor From(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        var values = EightBit.Images(pixels);
        if (pixels.size(2) > MaxSide || pixels.size(3) > MaxSide)
        {
            values = nn.functional.adaptive_avg_pool2d(values, [Math.Min(pixels.size(2), MaxSide), Math.Min(pixels.size(3), MaxSide)]);
        }

        return values.flatten(1).MoveToOuterDisposeScope();
    }
}
