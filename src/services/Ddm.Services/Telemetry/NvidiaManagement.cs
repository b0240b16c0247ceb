using System.Runtime.InteropServices;

namespace Ddm.Services;

/// <summary>NVIDIA's management library, which comes with the driver (NVML API reference: "Device Queries"). Without it there are no GPUs.</summary>
internal sealed class NvidiaManagement : IGpuMemory, IDisposable
{
    private const int Success = 0;

    private readonly nint library;
    private readonly Shutdown? shutdown;
    private readonly DeviceGetMemoryInfo? ask;
    private readonly List<(int Index, nint Device)> devices = [];

    public NvidiaManagement()
    {
        var name = OperatingSystem.IsWindows() ? "nvml.dll" : "libnvidia-ml.so.1";
        if (!NativeLibrary.TryLoad(name, out library)
            || Find<Initialise>("nvmlInit_v2") is not { } begin
            || Find<DeviceGetCount>("nvmlDeviceGetCount_v2") is not { } count
            || Find<DeviceGetHandleByIndex>("nvmlDeviceGetHandleByIndex_v2") is not { } open
            || begin() != Success)
        {
            return;
        }

        shutdown = Find<Shutdown>("nvmlShutdown");
        ask = Find<DeviceGetMemoryInfo>("nvmlDeviceGetMemoryInfo");
        for (var i = 0u; count(out var there) == Success && i < there; i++)
        {
            if (open(i, out var device) == Success)
            {
                devices.Add(((int)i, device));
            }
        }
    }

    private delegate int Initialise();

    private delegate int Shutdown();

    private delegate int DeviceGetCount(out uint count);

    private delegate int DeviceGetHandleByIndex(uint index, out nint device);

    private delegate int DeviceGetMemoryInfo(nint device, out Memory memory);

    /// <inheritdoc/>
    public IReadOnlyList<GpuMemory> Read()
    {
        var found = new List<GpuMemory>(devices.Count);
        foreach (var (index, device) in devices)
        {
            if (ask?.Invoke(device, out var memory) == Success)
            {
                found.Add(new GpuMemory(index, (long)memory.Used, (long)memory.Total));
            }
        }

        return found;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        devices.Clear();
        shutdown?.Invoke(); // the library itself stays loaded: a late reading must not meet unmapped code
    }

    private T? Find<T>(string function)
        where T : Delegate
        => NativeLibrary.TryGetExport(library, function, out var address) ? Marshal.GetDelegateForFunctionPointer<T>(address) : null;

    /// <summary><c>nvmlMemory_t</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Memory
    {
        public ulong Total;
        public ulong Free;
        public ulong Used;
    }
}
