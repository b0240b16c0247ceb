using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Ddm.Tensors;

/// <summary>
/// Random tensors of <see cref="Philox"/>. Row r of a batch is a function of (key, step, r) alone, so that any split of the batch into
/// micro-batches, devices or threads gives the same numbers. Drawn on the CPU, then moved.
/// </summary>
public static class NoiseTensor
{
    private const long ParallelFrom = 32_768; // elements; below, starting threads costs more than the draw

    private delegate void Fill(Philox philox, Span<float> row, ulong step, uint index);

    /// <summary>Standard normal numbers for rows <paramref name="firstRow"/> ... of a global batch.</summary>
    /// <returns>[count, ...rowShape] float32.</returns>
    public static Tensor Normal(Philox philox, ulong step, uint firstRow, int count, ReadOnlySpan<long> rowShape, Device? device = null)
        => Create(philox, step, firstRow, count, rowShape, device, normal: true);

    /// <summary>Numbers uniform in (0, 1) for rows <paramref name="firstRow"/> ... of a global batch.</summary>
    /// <returns>[count, ...rowShape] float32.</returns>
    public static Tensor Uniform(Philox philox, ulong step, uint firstRow, int count, ReadOnlySpan<long> rowShape, Device? device = null)
        => Create(philox, step, firstRow, count, rowShape, device, normal: false);

    /// <summary>Overwrites a contiguous float32 CPU tensor [count, ...] with the standard normal numbers of rows <paramref name="firstRow"/> ...</summary>
    public static void FillNormal(Tensor destination, Philox philox, ulong step, uint firstRow)
        => FillRows(destination, philox, step, firstRow, static (p, row, s, index) => p.FillNormal(row, s, index));

    /// <summary>Overwrites a contiguous float32 CPU tensor [count, ...] with the uniform numbers of rows <paramref name="firstRow"/> ...</summary>
    public static void FillUniform(Tensor destination, Philox philox, ulong step, uint firstRow)
        => FillRows(destination, philox, step, firstRow, static (p, row, s, index) => p.FillUniform(row, s, index));

    private static Tensor Create(Philox philox, ulong step, uint firstRow, int count, ReadOnlySpan<long> rowShape, Device? device, bool normal)
    {
        TorchNative.EnsureLoaded();
        var drawn = empty([count, .. rowShape], ScalarType.Float32, CPU);
        if (normal)
        {
            FillNormal(drawn, philox, step, firstRow);
        }
        else
        {
            FillUniform(drawn, philox, step, firstRow);
        }

        if (device is null || device.type == TorchSharp.DeviceType.CPU)
        {
            return drawn;
        }

        using (drawn)
        {
            return drawn.to(device);
        }
    }

    private static unsafe void FillRows(Tensor destination, Philox philox, ulong step, uint firstRow, Fill fill)
    {
        if (destination.dtype != ScalarType.Float32 || destination.device_type != TorchSharp.DeviceType.CPU || !destination.is_contiguous())
        {
            throw new ArgumentException("Noise is written to contiguous float32 tensors on the CPU.", nameof(destination));
        }

        var rows = (int)destination.size(0);
        var width = rows == 0 ? 0 : checked((int)(destination.numel() / rows));
        var values = MemoryMarshal.Cast<byte, float>(destination.bytes);
        fixed (float* start = values)
        {
            var first = start; // rows do not overlap, so threads may share the pointer
            if ((long)rows * width < ParallelFrom)
            {
                for (var row = 0; row < rows; row++)
                {
                    fill(philox, new Span<float>(first + ((long)row * width), width), step, firstRow + (uint)row);
                }
            }
            else
            {
                var options = new ParallelOptions { MaxDegreeOfParallelism = get_num_threads() };
                Parallel.For(0, rows, options, row => fill(philox, new Span<float>(first + ((long)row * width), width), step, firstRow + (uint)row));
            }
        }

        GC.KeepAlive(destination);
    }
}
