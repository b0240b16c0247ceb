using System.Numerics;
using System.Runtime.InteropServices;

namespace Ddm.Tensors;

/// <summary>Looks for NaN and infinities by their exponents, which are all ones (IEEE 754), a vector register at a time.</summary>
internal static class FiniteCheck
{
    /// <summary>Whether all numbers are finite; true for types that hold nothing else.</summary>
    /// <param name="data">Little-endian numbers.</param>
    /// <param name="type">Their type as safetensors spells it.</param>
    public static bool AllFinite(ReadOnlySpan<byte> data, string type) => type switch
    {
        "F32" => NoneHas(MemoryMarshal.Cast<byte, uint>(data), 0x7F80_0000u),
        "F64" => NoneHas(MemoryMarshal.Cast<byte, ulong>(data), 0x7FF0_0000_0000_0000ul),
        "F16" => NoneHas(MemoryMarshal.Cast<byte, ushort>(data), (ushort)0x7C00),
        "BF16" => NoneHas(MemoryMarshal.Cast<byte, ushort>(data), (ushort)0x7F80),
        _ => true,
    };

    private static bool NoneHas<T>(ReadOnlySpan<T> bits, T exponent)
        where T : unmanaged, IBinaryInteger<T>
    {
        var mask = new Vector<T>(exponent);
        var found = Vector<T>.Zero;
        var vectors = MemoryMarshal.Cast<T, Vector<T>>(bits);
        foreach (var vector in vectors)
        {
            found |= Vector.Equals(vector & mask, mask);
        }

        var any = !Vector.EqualsAll(found, Vector<T>.Zero);
        foreach (var last in bits[(vectors.Length * Vector<T>.Count)..])
        {
            any |= (last & exponent) == exponent;
        }

        return !any;
    }
}
