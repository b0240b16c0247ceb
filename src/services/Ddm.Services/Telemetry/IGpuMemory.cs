namespace Ddm.Services;

/// <summary>Asks this machine's GPUs for their memory: libtorch's own counters cannot be reached from TorchSharp.</summary>
public interface IGpuMemory
{
    /// <summary>One entry a GPU; none where there is none, or where the driver does not answer.</summary>
    IReadOnlyList<GpuMemory> Read();
}
