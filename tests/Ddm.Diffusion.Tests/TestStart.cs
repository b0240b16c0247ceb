using System.Runtime.CompilerServices;
using Ddm.Tensors;
using TorchSharp;

[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)] // Tensor.TotalCount is one number for the process

namespace Ddm.Diffusion.Tests;

internal static class TestStart
{
    [ModuleInitializer]
    internal static void Run()
    {
        TorchNative.EnsureLoaded();
        torch.set_num_threads(1); // small tensors: a second thread costs more than it brings
    }
}
