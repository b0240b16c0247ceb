using System.Runtime.CompilerServices;
using Ddm.Tensors;

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
