using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Ddm.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Tensors;

/// <summary>What this process computes with, and the housekeeping that native memory needs.</summary>
public static class TorchRuntime
{
    private const int FirstGoodBfloat16 = 80; // Ampere; before it bfloat16 is emulated

    private static readonly Lazy<string> Libraries = new(ReadLibraries);

    /// <summary>Versions that decide the arithmetic: <c>libtorch 2.10.0; TorchSharp 0.107.0</c>.</summary>
    public static string LibraryVersions => Libraries.Value;

    /// <summary>The instruction set that libtorch dispatches to on this CPU, by libtorch's own rule: <c>avx512</c>, <c>avx2</c>, or the architecture.</summary>
    public static string CpuCapability
    {
        get
        {
            // libtorch reads the same variable, and only lets it lower the choice in practice.
            var asked = Environment.GetEnvironmentVariable("ATEN_CPU_CAPABILITY");
            if (!string.IsNullOrEmpty(asked))
            {
                return asked.ToLowerInvariant();
            }

            return Avx512F.VL.IsSupported && Avx512BW.IsSupported && Avx512DQ.IsSupported && Fma.IsSupported ? "avx512"
                : Avx2.IsSupported && Fma.IsSupported ? "avx2"
                : RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
        }
    }

    /// <summary>Sets the CPU threads of one operation, process-wide, for torch work that starts later.</summary>
    public static void SetThreads(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        TorchNative.EnsureLoaded();
        if (get_num_threads() != threads)
        {
            set_num_threads(threads);
        }
    }

    /// <summary>The numerics class of work done here on <paramref name="device"/>: bfloat16 on GPUs from sm_80, float32 everywhere else.</summary>
    /// <param name="device">CPU or a CUDA device.</param>
    /// <param name="microBatch">Rows of one forward and backward.</param>
    /// <param name="threads">CPU threads of one operation.</param>
    /// <exception cref="NotSupportedException">A CUDA device that the driver does not know.</exception>
    public static NumericsClass Describe(Device device, int microBatch, int threads)
    {
        TorchNative.EnsureLoaded();
        if (device.type == DeviceType.CUDA)
        {
            var capability = CudaDriver.ComputeCapability(Math.Max(0, device.index));
            var name = string.Create(CultureInfo.InvariantCulture, $"cuda-sm{capability}");
            // Attention's backward and some reductions use atomics there, and TorchSharp cannot forbid them: only the distribution is promised.
            return new NumericsClass(name, capability >= FirstGoodBfloat16 ? "bfloat16" : "float32", microBatch, threads, LibraryVersions, Deterministic: false);
        }

        return new NumericsClass("cpu-" + CpuCapability, "float32", microBatch, threads, LibraryVersions, Deterministic: true);
    }

    /// <summary>
    /// Gives back what finalizers and the C allocator hold. Managed garbage of a training loop is so small that the collector hardly ever
    /// runs, while the native memory behind it grows: call this about every 50 steps, outside any dispose scope in use.
    /// </summary>
    public static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        NativeHeap.Trim();
    }

    private static string ReadLibraries()
    {
        TorchNative.EnsureLoaded();
        var managed = typeof(torch).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
        var native = Version.Parse(__version__);
        return $"libtorch {native.ToString(3)}; TorchSharp {managed.Split('+')[0]}";
    }
}
