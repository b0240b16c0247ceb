using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Training;

/// <summary>Whether this process can compute in a numerics class.</summary>
public static class Numerics
{
    /// <summary>Sets this process up for a class.</summary>
    /// <exception cref="NumericsMismatchException">It cannot compute in it.</exception>
    public static void Enter(NumericsClass asked, Device device)
    {
        var here = Matching(asked, device);
        if (here != asked)
        {
            throw new NumericsMismatchException(asked, here);
        }

        TorchRuntime.SetThreads(asked.Threads);
    }

    /// <summary>True where <see cref="Enter"/> would succeed: a worker asks before it claims a role.</summary>
    public static bool CanEnter(NumericsClass asked, Device device) => Matching(asked, device) == asked;

    // The nearest class there is here: a device that can do bfloat16 can do float32 as well.
    private static NumericsClass Matching(NumericsClass asked, Device device)
    {
        var here = TorchRuntime.Describe(device, asked.MicroBatch, asked.Threads);
        return asked.ComputeType == "float32" ? here with { ComputeType = "float32" } : here;
    }
}
