using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace Ddm.Tensors;

/// <summary>
/// Makes libtorch load wherever it can run. TorchSharp 0.107's own library asks for the symbol version of GCC 13's libstdc++
/// (<c>GLIBCXX_3.4.32</c>), which Debian 12, Ubuntu 22.04 and RHEL 9 lack, although no relocation needs it. Where normal loading has
/// failed for that reason, a copy with the requirement marked weak is loaded from memory; no file is written or changed.
/// </summary>
public static class TorchNative
{
    private const string Shim = "LibTorchSharp";
    private const string MissingVersion = "GLIBCXX_3.4.32";

    // The order of dlopen: each library finds the ones it needs among those already loaded.
    private static readonly string[] Prerequisites = ["libc10.so", "libtorch_cpu.so", "libtorch.so"];
    private static readonly string[] CudaPrerequisites = ["libc10_cuda.so", "libtorch_cuda.so"];

    /// <summary>Does nothing itself; a call makes sure that this assembly's initializer ran before <c>torch</c> is first touched.</summary>
    public static void EnsureLoaded() => RuntimeHelpers.RunModuleConstructor(typeof(TorchNative).Module.ModuleHandle);

#pragma warning disable CA2255 // the resolver must stand before any other code of this assembly's users touches torch
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Install()
    {
        if (OperatingSystem.IsLinux())
        {
            OpenMpThreads.LetSleepSoon();
            NativeHeap.KeepFreed();
            // Raised only after the normal search has failed: where libstdc++ is new enough this is never called.
            AssemblyLoadContext.Default.ResolvingUnmanagedDll += (_, name) => name == Shim ? LoadPatchedShim() : 0;
        }
    }

    private static nint LoadPatchedShim()
    {
        var shim = Find("lib" + Shim + ".so");
        if (shim is null)
        {
            return 0;
        }

        var image = File.ReadAllBytes(shim);
        if (!ElfVersionNeeds.MarkWeak(image, MissingVersion))
        {
            return 0;
        }

        foreach (var library in Prerequisites)
        {
            if (Find(library) is { } path)
            {
                NativeLibrary.Load(path);
            }
        }

        foreach (var library in CudaPrerequisites)
        {
            if (Find(library) is { } path)
            {
                NativeLibrary.TryLoad(path, out _);
            }
        }

        return MemoryFile.LoadLibrary(Shim, image);
    }

    // Natives lie beside the program (published for one system) or under runtimes/ (built for any).
    private static string? Find(string file)
    {
        var rid = "linux-" + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
        string[] candidates =
        [
            Path.Combine(AppContext.BaseDirectory, file),
            Path.Combine(AppContext.BaseDirectory, "runtimes", rid, "native", file),
        ];
        return Array.Find(candidates, File.Exists);
    }
}
