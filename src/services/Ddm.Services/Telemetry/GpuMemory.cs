namespace Ddm.Services;

/// <summary>The memory of a GPU.</summary>
/// <param name="Gpu">Its number on this machine, as the driver counts.</param>
/// <param name="Used">Bytes in use, by all processes.</param>
/// <param name="Total">Bytes that it has.</param>
public readonly record struct GpuMemory(int Gpu, long Used, long Total);
