using System.Diagnostics.Metrics;

namespace Ddm.Services;

/// <summary>Tells the memory of this machine's GPUs whenever metrics are collected; on a machine without one, nothing.</summary>
internal sealed class GpuMeter : IDisposable
{
    private readonly Meter meter = new(DdmTelemetry.Name);

    public GpuMeter(IGpuMemory gpus)
    {
        meter.CreateObservableGauge("ddm.gpu.memory.used", () => gpus.Read().Select(gpu => Tell(gpu, gpu.Used)), "By", "Memory in use, by all processes");
        meter.CreateObservableGauge("ddm.gpu.memory.total", () => gpus.Read().Select(gpu => Tell(gpu, gpu.Total)), "By", "Memory of the GPU");
    }

    /// <inheritdoc/>
    public void Dispose() => meter.Dispose();

    private static Measurement<long> Tell(GpuMemory gpu, long bytes) => new(bytes, new KeyValuePair<string, object?>("ddm.gpu", gpu.Gpu));
}
