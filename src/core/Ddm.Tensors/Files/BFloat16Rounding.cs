using System.Numerics;
using System.Runtime.InteropServices;

namespace Ddm.Tensors;

/// <summary>float32 to bfloat16, to the nearest and of two to the even one, a vector register at a time: the upper half of the bits after half of what is cut off was added.</summary>
internal static class BFloat16Rounding
{
    private const uint HalfLess = 0x7FFF;

    /// <summary>Rounds finite values; one too large for bfloat16 becomes infinite.</summary>
    /// <param name="source">Bits of float32.</param>
    /// <param name="target">As many bits of bfloat16.</param>
    public static void Round(ReadOnlySpan<uint> source, Span<ushort> target)
    {
        var pairs = source.Length / (2 * Vector<uint>.Count);
        var wide = MemoryMarshal.Cast<uint, Vector<uint>>(source);
        var narrow = MemoryMarshal.Cast<ushort, Vector<ushort>>(target);
        for (var i = 0; i < pairs; i++)
        {
            narrow[i] = Vector.Narrow(Round(wide[2 * i]), Round(wide[(2 * i) + 1]));
        }

        for (var i = pairs * 2 * Vector<uint>.Count; i < source.Length; i++)
        {
            target[i] = (ushort)((source[i] + HalfLess + ((source[i] >> 16) & 1)) >> 16);
        }
    }

    private static Vector<uint> Round(Vector<uint> bits) => (bits + new Vector<uint>(HalfLess) + ((bits >>> 16) & Vector<uint>.One)) >>> 16;
}
