using System.Runtime.CompilerServices;
using Ddm.Tensors;

// torch's thread count and its tensor counter belong to the process
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace Ddm.Encoders.Tests;

internal static class TestModule
{
#pragma warning disable CA2255 // torch must be loadable before any test touches it
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Initialize() => TorchNative.EnsureLoaded();
}
