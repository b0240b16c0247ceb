using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Diffusion;

/// <summary>
/// A matrix of bfloat16 as float32, for one product. On the CPU each thread widens into the same room, as large as its largest matrix: what a forward makes on its way would fill the
/// holes that matrices of their own leave behind, until there is room for all of them.
/// </summary>
internal static class Widened
{
    [ThreadStatic]
    private static Tensor? room;

    /// <summary>The matrix in float32, in the caller's dispose scope and good until the next one is asked for.</summary>
    public static Tensor Of(Tensor matrix)
    {
        using var values = matrix.detach();
        if (matrix.device_type != DeviceType.CPU)
        {
            return values.to(ScalarType.Float32);
        }

        var count = matrix.numel();
        if (room is null || room.numel() < count)
        {
            room?.Dispose();
            room = empty(count).DetachFromDisposeScope();
        }

        using var part = room.narrow(0, 0, count);
        var wide = part.view(matrix.shape);
        wide.copy_(values);
        return wide;
    }
}
