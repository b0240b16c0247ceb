using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Ddm.Partitioning;

/// <summary>
/// Products of eight points with a tile of 32 centroids. Every product is summed over the dimensions in their order with fused multiply-adds, one lane
/// a centroid: the same bits for any vector width, any block, any number of threads.
/// </summary>
internal static class TileKernel
{
    /// <summary>Centroids of a tile.</summary>
    public const int Lanes = 32;

    /// <summary>Points of one call.</summary>
    public const int Rows = 8;

    /// <summary>Multiplies.</summary>
    /// <param name="points">Holds the points, each D long.</param>
    /// <param name="starts">[8]: where each begins in <paramref name="points"/>.</param>
    /// <param name="tile">[D, 32].</param>
    /// <param name="products">[8, 32]: receives the products.</param>
    public static void Multiply(ReadOnlySpan<float> points, ReadOnlySpan<int> starts, ReadOnlySpan<float> tile, Span<float> products)
    {
        // What the references below may touch, checked once: the loops check nothing.
        var dimensions = tile.Length / Lanes;
        foreach (var start in starts)
        {
            _ = points.Slice(start, dimensions);
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(products.Length, Rows * Lanes);
        ref var origin = ref MemoryMarshal.GetReference(points);
        ref var lanes = ref MemoryMarshal.GetReference(tile);
        ref var target = ref MemoryMarshal.GetReference(products);
        if (Vector512.IsHardwareAccelerated)
        {
            Multiply512(ref origin, starts, ref lanes, dimensions, ref target);
            return;
        }

        for (var row = 0; row < Rows; row += 4)
        {
            Multiply256(ref origin, starts[row..], ref lanes, dimensions, ref Unsafe.Add(ref target, row * Lanes));
            Multiply256(ref origin, starts[row..], ref Unsafe.Add(ref lanes, 16), dimensions, ref Unsafe.Add(ref target, (row * Lanes) + 16));
        }
    }

    // 8 points x 32 lanes: 16 sums of 16 lanes.
    private static void Multiply512(ref float origin, ReadOnlySpan<int> starts, ref float tile, int dimensions, ref float products)
    {
        ref var x0 = ref Unsafe.Add(ref origin, starts[0]);
        ref var x1 = ref Unsafe.Add(ref origin, starts[1]);
        ref var x2 = ref Unsafe.Add(ref origin, starts[2]);
        ref var x3 = ref Unsafe.Add(ref origin, starts[3]);
        ref var x4 = ref Unsafe.Add(ref origin, starts[4]);
        ref var x5 = ref Unsafe.Add(ref origin, starts[5]);
        ref var x6 = ref Unsafe.Add(ref origin, starts[6]);
        ref var x7 = ref Unsafe.Add(ref origin, starts[7]);
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default, a6 = default, a7 = default;
        Vector512<float> b0 = default, b1 = default, b2 = default, b3 = default, b4 = default, b5 = default, b6 = default, b7 = default;
        for (nint i = 0; i < dimensions; i++)
        {
            var a = Vector512.LoadUnsafe(ref tile, (nuint)(i * Lanes));
            var b = Vector512.LoadUnsafe(ref tile, (nuint)(i * Lanes) + 16);
            var x = Vector512.Create(Unsafe.Add(ref x0, i));
            (a0, b0) = (Vector512.FusedMultiplyAdd(x, a, a0), Vector512.FusedMultiplyAdd(x, b, b0));
            x = Vector512.Create(Unsafe.Add(ref x1, i));
            (a1, b1) = (Vector512.FusedMultiplyAdd(x, a, a1), Vector512.FusedMultiplyAdd(x, b, b1));
            x = Vector512.Create(Unsafe.Add(ref x2, i));
            (a2, b2) = (Vector512.FusedMultiplyAdd(x, a, a2), Vector512.FusedMultiplyAdd(x, b, b2));
            x = Vector512.Create(Unsafe.Add(ref x3, i));
            (a3, b3) = (Vector512.FusedMultiplyAdd(x, a, a3), Vector512.FusedMultiplyAdd(x, b, b3));
            x = Vector512.Create(Unsafe.Add(ref x4, i));
            (a4, b4) = (Vector512.FusedMultiplyAdd(x, a, a4), Vector512.FusedMultiplyAdd(x, b, b4));
            x = Vector512.Create(Unsafe.Add(ref x5, i));
            (a5, b5) = (Vector512.FusedMultiplyAdd(x, a, a5), Vector512.FusedMultiplyAdd(x, b, b5));
            x = Vector512.Create(Unsafe.Add(ref x6, i));
            (a6, b6) = (Vector512.FusedMultiplyAdd(x, a, a6), Vector512.FusedMultiplyAdd(x, b, b6));
            x = Vector512.Create(Unsafe.Add(ref x7, i));
            (a7, b7) = (Vector512.FusedMultiplyAdd(x, a, a7), Vector512.FusedMultiplyAdd(x, b, b7));
        }

        Store(a0, b0, ref products, 0);
        Store(a1, b1, ref products, 1);
        Store(a2, b2, ref products, 2);
        Store(a3, b3, ref products, 3);
        Store(a4, b4, ref products, 4);
        Store(a5, b5, ref products, 5);
        Store(a6, b6, ref products, 6);
        Store(a7, b7, ref products, 7);
    }

    // 4 points x 16 lanes: 8 sums of 8 lanes, which leaves registers for the operands.
    private static void Multiply256(ref float origin, ReadOnlySpan<int> starts, ref float tile, int dimensions, ref float products)
    {
        ref var x0 = ref Unsafe.Add(ref origin, starts[0]);
        ref var x1 = ref Unsafe.Add(ref origin, starts[1]);
        ref var x2 = ref Unsafe.Add(ref origin, starts[2]);
        ref var x3 = ref Unsafe.Add(ref origin, starts[3]);
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default;
        Vector256<float> b0 = default, b1 = default, b2 = default, b3 = default;
        for (nint i = 0; i < dimensions; i++)
        {
            var a = Vector256.LoadUnsafe(ref tile, (nuint)(i * Lanes));
            var b = Vector256.LoadUnsafe(ref tile, (nuint)(i * Lanes) + 8);
            var x = Vector256.Create(Unsafe.Add(ref x0, i));
            (a0, b0) = (Vector256.FusedMultiplyAdd(x, a, a0), Vector256.FusedMultiplyAdd(x, b, b0));
            x = Vector256.Create(Unsafe.Add(ref x1, i));
            (a1, b1) = (Vector256.FusedMultiplyAdd(x, a, a1), Vector256.FusedMultiplyAdd(x, b, b1));
            x = Vector256.Create(Unsafe.Add(ref x2, i));
            (a2, b2) = (Vector256.FusedMultiplyAdd(x, a, a2), Vector256.FusedMultiplyAdd(x, b, b2));
            x = Vector256.Create(Unsafe.Add(ref x3, i));
            (a3, b3) = (Vector256.FusedMultiplyAdd(x, a, a3), Vector256.FusedMultiplyAdd(x, b, b3));
        }

        Store(a0, b0, ref products, 0);
        Store(a1, b1, ref products, 1);
        Store(a2, b2, ref products, 2);
        Store(a3, b3, ref products, 3);
    }

    private static void Store(Vector512<float> a, Vector512<float> b, ref float products, int row)
    {
        a.StoreUnsafe(ref products, (nuint)(row * Lanes));
        b.StoreUnsafe(ref products, (nuint)(row * Lanes) + 16);
    }

    private static void Store(Vector256<float> a, Vector256<float> b, ref float products, int row)
    {
        a.StoreUnsafe(ref products, (nuint)(row * Lanes));
        b.StoreUnsafe(ref products, (nuint)(row * Lanes) + 8);
    }
}
