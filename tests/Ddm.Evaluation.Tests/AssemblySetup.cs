using System.Runtime.CompilerServices;
using Ddm.Tensors;

// Tensors are counted per process: tests that watch the count bear no company.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace Ddm.Evaluation.Tests;

internal static class AssemblySetup
{
    [ModuleInitializer]
    internal static void Load()
    {
        TorchNative.EnsureLoaded();
        TorchRuntime.SetThreads(2);
    }
}
