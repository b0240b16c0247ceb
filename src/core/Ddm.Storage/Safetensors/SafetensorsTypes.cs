using System.Diagnostics.CodeAnalysis;

namespace Ddm.Storage;

/// <summary>Element types of the safetensors format and what they take.</summary>
internal static class SafetensorsTypes
{
    private static readonly Dictionary<string, int> s_bytes = new(StringComparer.Ordinal)
    {
        ["BOOL"] = 1,
        ["U8"] = 1,
        ["I8"] = 1,
        ["F8_E5M2"] = 1,
        ["F8_E4M3"] = 1,
        ["F8_E8M0"] = 1,
        ["I16"] = 2,
        ["U16"] = 2,
        ["F16"] = 2,
        ["BF16"] = 2,
        ["I32"] = 4,
        ["U32"] = 4,
        ["F32"] = 4,
        ["I64"] = 8,
        ["U64"] = 8,
        ["F64"] = 8,
        ["C64"] = 8,
    };

    /// <summary>Bytes of a tensor, or what is wrong with its type or shape.</summary>
    public static bool TryCountBytes(string dtype, IReadOnlyList<long> shape, out long bytes, [NotNullWhen(false)] out string? fault)
    {
        fault = null;
        if (!s_bytes.TryGetValue(dtype, out var size))
        {
            bytes = 0;
            fault = $"unknown dtype '{dtype}'; known are {string.Join(", ", s_bytes.Keys)}";
            return false;
        }

        bytes = size;
        foreach (var extent in shape)
        {
            if (extent < 0 || (extent != 0 && bytes > long.MaxValue / extent))
            {
                fault = $"impossible shape [{string.Join(", ", shape)}]";
                return false;
            }

            bytes *= extent;
        }

        return true;
    }
}
