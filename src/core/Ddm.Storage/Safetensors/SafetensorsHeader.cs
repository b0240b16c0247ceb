using System.Buffers.Binary;

namespace Ddm.Storage;

/// <summary>
/// The header of a safetensors file (https://github.com/huggingface/safetensors, "Format"): 8 bytes little-endian N, N bytes of JSON, then the data.
/// Read strictly: nothing in a foreign file is believed before it is checked against the file's real length.
/// </summary>
public sealed class SafetensorsHeader
{
    /// <summary>Longest header believed, as in the reference parser: 100 MB.</summary>
    public const long MaximumHeaderLength = 100_000_000;

    internal SafetensorsHeader(IReadOnlyList<TensorInfo> tensors, IReadOnlyDictionary<string, string> metadata, long dataStart)
    {
        Tensors = tensors;
        Metadata = metadata;
        DataStart = dataStart;
    }

    /// <summary>The tensors in the order of their data.</summary>
    public IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>The free text of <c>__metadata__</c>; empty where there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Where the data begins, in bytes from the beginning of the file.</summary>
    public long DataStart { get; }

    /// <summary>Reads and checks the header at the stream's position; leaves the stream at the first byte of data.</summary>
    /// <param name="stream">A seekable stream that holds one safetensors file from its position to its end.</param>
    /// <exception cref="InvalidDataException">
    /// Not a safetensors file: header too long or cut off, malformed JSON, duplicate name, unknown dtype, shape that does not give the bytes, data that
    /// overlaps, leaves a hole, or does not end with the file. The message names the tensor.
    /// </exception>
    public static SafetensorsHeader Parse(Stream stream)
    {
        var start = stream.Position;
        var available = stream.Length - start;
        if (available < 8)
        {
            throw new InvalidDataException($"Not a safetensors file: {available} bytes are too few for the length of a header.");
        }

        Span<byte> prefix = stackalloc byte[8];
        stream.ReadExactly(prefix);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaximumHeaderLength && PickleKind(prefix) is { } kind)
        {
            throw new InvalidDataException($"Not a safetensors file: it begins as {kind}, as torch.save writes it (.pt, .pth, .bin). Such files can run code and "
                + "are never read: save the tensors with the safetensors library instead.");
        }

        if (length > MaximumHeaderLength)
        {
            throw new InvalidDataException($"Not a safetensors file: its header would be {length} bytes, "
                + $"at most {MaximumHeaderLength} are believed.");
        }

        if ((long)length > available - 8)
        {
            throw new InvalidDataException($"The safetensors file is cut off: a header of {length} bytes in a file of {available}.");
        }

        var json = new byte[(int)length];
        stream.ReadExactly(json);
        var (tensors, metadata) = SafetensorsJson.Read(json);
        tensors.Sort((a, b) => (a.Begin, a.End).CompareTo((b.Begin, b.End)));
        CheckLayout(tensors, available - 8 - (long)length);
        return new SafetensorsHeader(tensors, metadata, start + 8 + (long)length);
    }

    private static string? PickleKind(ReadOnlySpan<byte> start) =>
        start.StartsWith("PK\x03\x04"u8) ? "a zip archive" : start[0] == 0x80 && start[1] is >= 2 and <= 5 ? "a Python pickle" : null;

    private static void CheckLayout(List<TensorInfo> tensors, long dataLength)
    {
        long position = 0;
        foreach (var tensor in tensors)
        {
            if (!SafetensorsTypes.TryCountBytes(tensor.DType, tensor.Shape, out var bytes, out var fault))
            {
                throw new InvalidDataException($"Tensor '{tensor.Name}': {fault}.");
            }

            if (tensor.Begin != position)
            {
                var what = tensor.Begin < position ? "overlaps the tensor before it" : "leaves a hole before it";
                throw new InvalidDataException($"Tensor '{tensor.Name}' begins at byte {tensor.Begin} where {position} was due: it {what}.");
            }

            if (tensor.End < tensor.Begin || tensor.Length != bytes)
            {
                throw new InvalidDataException(
                    $"Tensor '{tensor.Name}' has data from {tensor.Begin} to {tensor.End}, "
                        + $"but {tensor.DType} [{string.Join(", ", tensor.Shape)}] takes {bytes} bytes.");
            }

            if (tensor.End > dataLength)
            {
                throw new InvalidDataException($"Tensor '{tensor.Name}' ends at byte {tensor.End} of the data, which has {dataLength}: the file is cut off.");
            }

            position = tensor.End;
        }

        if (position != dataLength)
        {
            throw new InvalidDataException($"The safetensors file has {dataLength - position} bytes behind its last tensor.");
        }
    }
}
