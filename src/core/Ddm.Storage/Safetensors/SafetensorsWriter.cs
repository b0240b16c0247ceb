using System.Buffers.Binary;

namespace Ddm.Storage;

/// <summary>Writes safetensors files: the same tensors in the same order give the same bytes, always.</summary>
public static class SafetensorsWriter
{
    private const int Alignment = 8;

    /// <summary>
    /// Writes one file. Tensors lie in the given order without gaps; the header is padded with spaces so that the data starts at a multiple of 8.
    /// </summary>
    /// <param name="stream">Where to; need not be seekable.</param>
    /// <param name="tensors">Names (unique), element types and shapes.</param>
    /// <param name="metadata">Free text; written in ordinal order of keys.</param>
    /// <param name="writeData">
    /// Called once for each tensor, in order, with its index and a stream that takes exactly its bytes: row-major, little-endian.
    /// </param>
    /// <exception cref="ArgumentException">A duplicate or reserved name, an unknown dtype, an impossible shape.</exception>
    /// <exception cref="InvalidOperationException"><paramref name="writeData"/> wrote more or fewer bytes than the tensor has.</exception>
    public static void Write(
        Stream stream,
        IReadOnlyList<(string Name, string DType, long[] Shape)> tensors,
        IReadOnlyDictionary<string, string> metadata,
        Action<int, Stream> writeData)
    {
        var layout = LayOut(tensors);
        var json = SafetensorsJson.Write(layout, metadata);
        if (json.Length > SafetensorsHeader.MaximumHeaderLength)
        {
            throw new ArgumentException($"A safetensors header of {json.Length} bytes is more than readers accept "
                + $"({SafetensorsHeader.MaximumHeaderLength}).", nameof(metadata));
        }

        var padding = (Alignment - (json.Length % Alignment)) % Alignment;
        Span<byte> prefix = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)(json.Length + padding));
        stream.Write(prefix);
        stream.Write(json);
        stream.Write("       "u8[..padding]);
        for (var i = 0; i < layout.Length; i++)
        {
            using var bounded = new BoundedStream(stream, layout[i]);
            writeData(i, bounded);
            bounded.CheckFull();
        }
    }

    private static TensorInfo[] LayOut(IReadOnlyList<(string Name, string DType, long[] Shape)> tensors)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal) { "__metadata__" };
        var layout = new TensorInfo[tensors.Count];
        long position = 0;
        for (var i = 0; i < layout.Length; i++)
        {
            var (name, dtype, shape) = tensors[i];
            if (!seen.Add(name))
            {
                throw new ArgumentException($"Tensor '{name}' is named twice, or by a reserved name.", nameof(tensors));
            }

            if (!SafetensorsTypes.TryCountBytes(dtype, shape, out var bytes, out var fault))
            {
                throw new ArgumentException($"Tensor '{name}': {fault}.", nameof(tensors));
            }

            layout[i] = new TensorInfo(name, dtype, shape, position, position + bytes);
            position += bytes;
        }

        return layout;
    }
}
