using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Ddm.Partitioning;

/// <summary>The rows of a tensor without a slice of it for each: a slice costs microseconds, and rows are asked for by the million.</summary>
internal sealed unsafe class TensorRows
{
    private readonly float* origin;

    /// <param name="tensor">[N, D] float32, contiguous, on the CPU, N at least 1; it must outlive this and its spans.</param>
    public TensorRows(Tensor tensor)
    {
        (Count, Dimensions) = (checked((int)tensor.size(0)), (int)tensor.size(1));
        using var first = tensor.narrow(0, 0, 1);
        if (!tensor.is_contiguous() || tensor.dtype != ScalarType.Float32)
        {
            throw new ArgumentException("a contiguous float32 tensor was expected", nameof(tensor));
        }

        origin = (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(first.bytes));
    }

    /// <summary>N.</summary>
    public int Count { get; }

    /// <summary>D.</summary>
    public int Dimensions { get; }

    /// <summary>One row.</summary>
    public ReadOnlySpan<float> this[int row] => Slice(row, 1);

    /// <summary>Rows <paramref name="start"/> .., row by row.</summary>
    public ReadOnlySpan<float> Slice(int start, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Count - start);
        return new ReadOnlySpan<float>(origin + ((long)start * Dimensions), count * Dimensions);
    }
}
