namespace Ddm.Serving;

/// <summary>What an expert host says: <c>DDMA</c>, a byte of version, and the velocities of the rows.</summary>
internal static class VelocityAnswer
{
    private const byte Version = 1;
    private const int HeadLength = 5;

    private static ReadOnlySpan<byte> Magic => "DDMA"u8;

    /// <summary>As bytes.</summary>
    public static byte[] Write(WireTensor velocity)
    {
        var bytes = new byte[HeadLength + velocity.Size];
        Magic.CopyTo(bytes);
        bytes[4] = Version;
        velocity.Write(bytes.AsSpan(HeadLength));
        return bytes;
    }

    /// <summary>From bytes.</summary>
    /// <param name="bytes">What came.</param>
    /// <param name="shape">What must be in it: as many rows as were asked for.</param>
    /// <exception cref="InvalidDataException">It is no answer, or one of another size.</exception>
    public static WireTensor Read(ReadOnlyMemory<byte> bytes, long[] shape)
    {
        if (bytes.Length < HeadLength || !bytes.Span[..4].SequenceEqual(Magic) || bytes.Span[4] != Version)
        {
            throw new InvalidDataException("what came is no answer of an expert host of this version");
        }

        var rest = bytes[HeadLength..];
        var velocity = WireTensor.Read(ref rest, "the answer");
        return rest.IsEmpty && velocity.Type == TorchSharp.torch.ScalarType.Float32 && velocity.Shape.AsSpan().SequenceEqual(shape) ? velocity
            : throw new InvalidDataException($"[{string.Join(", ", velocity.Shape)}] came where [{string.Join(", ", shape)}] was due");
    }
}
