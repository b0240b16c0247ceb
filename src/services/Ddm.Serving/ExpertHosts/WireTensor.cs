using System.Buffers.Binary;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Ddm.Serving;

/// <summary>A tensor outside any device: a byte of type (0: float32, 1: int64), a byte of rank, the sizes as int32, the values row by row; everything little-endian.</summary>
/// <param name="Type">float32 or int64.</param>
/// <param name="Shape">Sizes.</param>
/// <param name="Data">The values.</param>
internal sealed record WireTensor(ScalarType Type, long[] Shape, ReadOnlyMemory<byte> Data)
{
    private const int MostRank = 8;

    /// <summary>Bytes it takes on the wire.</summary>
    public int Size => 2 + (4 * Shape.Length) + Data.Length;

    /// <summary>A copy of a tensor's values; what is neither labels nor tokens travels as float32.</summary>
    public static WireTensor Of(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        var type = tensor.dtype == ScalarType.Int64 ? ScalarType.Int64 : ScalarType.Float32;
        var host = tensor.to(type, CPU).contiguous();
        var data = type == ScalarType.Int64 ? MemoryMarshal.AsBytes(host.data<long>().ToArray().AsSpan()).ToArray() : MemoryMarshal.AsBytes(host.data<float>().ToArray().AsSpan()).ToArray();
        return new WireTensor(type, tensor.shape, data);
    }

    /// <summary>The tensor, in the caller's dispose scope.</summary>
    public Tensor ToTensor(Device device) => Type == ScalarType.Int64
        ? tensor(MemoryMarshal.Cast<byte, long>(Data.Span).ToArray(), Shape, device: device)
        : tensor(MemoryMarshal.Cast<byte, float>(Data.Span).ToArray(), Shape, device: device);

    /// <summary>Writes it, and gives what is left of the target.</summary>
    public Span<byte> Write(Span<byte> target)
    {
        target[0] = Type == ScalarType.Int64 ? (byte)1 : (byte)0;
        target[1] = (byte)Shape.Length;
        target = target[2..];
        foreach (var size in Shape)
        {
            BinaryPrimitives.WriteInt32LittleEndian(target, checked((int)size));
            target = target[4..];
        }

        Data.Span.CopyTo(target);
        return target[Data.Length..];
    }

    /// <summary>Reads one and moves past it.</summary>
    /// <param name="source">From its first byte on.</param>
    /// <param name="what">For the error's message.</param>
    /// <exception cref="InvalidDataException">It is cut off, or of no known type or size.</exception>
    public static WireTensor Read(ref ReadOnlyMemory<byte> source, string what)
    {
        var head = source.Span;
        if (head.Length < 2 || head[0] > 1 || head[1] is 0 or > MostRank || head.Length < 2 + (4 * head[1]))
        {
            throw new InvalidDataException($"{what}: no tensor begins here. It is a byte 0 (float32) or 1 (int64), a byte of rank from 1 to {MostRank}, and that many sizes.");
        }

        var (type, shape) = (head[0] == 1 ? ScalarType.Int64 : ScalarType.Float32, new long[head[1]]);
        var bytes = type == ScalarType.Int64 ? 8L : 4L;
        for (var i = 0; i < shape.Length; i++)
        {
            shape[i] = BinaryPrimitives.ReadInt32LittleEndian(head[(2 + (4 * i))..]);
            bytes = shape[i] is > 0 && bytes <= int.MaxValue ? bytes * shape[i]
                : throw new InvalidDataException($"{what}: a size of {shape[i]}, or more values than can be. Sizes are from 1.");
        }

        source = source[(2 + (4 * shape.Length))..];
        if (source.Length < bytes)
        {
            throw new InvalidDataException($"{what}: {source.Length} bytes where [{string.Join(", ", shape)}] takes {bytes}.");
        }

        var tensor = new WireTensor(type, shape, source[..(int)bytes]);
        source = source[(int)bytes..];
        return tensor;
    }
}
