using Ddm.Diffusion;
using static TorchSharp.torch;

namespace Ddm.Serving;

/// <summary>What an expert host is asked: <c>DDMV</c>, a byte of version, the 32 bytes of the expert's SHA-256, a byte of tensors that follow (2 or 3), and those.</summary>
/// <param name="Expert">SHA-256 of the expert's weights as the manifest names it, hexadecimal.</param>
/// <param name="X">x_t, [N, C, H, W] float32.</param>
/// <param name="T">[N] float32.</param>
/// <param name="Condition">Labels [N], tokens [N, L], or captions [N, L, W]; null: none.</param>
internal sealed record VelocityQuestion(string Expert, WireTensor X, WireTensor T, WireTensor? Condition)
{
    /// <summary>Rows of one question.</summary>
    public const int MostRows = 4096;

    private const byte Version = 1;
    private const int HeadLength = 38, HashLength = 32;

    private static ReadOnlySpan<byte> Magic => "DDMV"u8;

    /// <summary>As bytes.</summary>
    public byte[] Write()
    {
        var bytes = new byte[HeadLength + X.Size + T.Size + (Condition?.Size ?? 0)];
        Magic.CopyTo(bytes);
        bytes[4] = Version;
        Convert.FromHexString(Expert).CopyTo(bytes, 5);
        bytes[HeadLength - 1] = Condition is null ? (byte)2 : (byte)3;
        var rest = T.Write(X.Write(bytes.AsSpan(HeadLength)));
        Condition?.Write(rest);
        return bytes;
    }

    /// <summary>From bytes.</summary>
    /// <exception cref="InvalidDataException">They are no question; the message says where they leave the form.</exception>
    public static VelocityQuestion Read(ReadOnlyMemory<byte> bytes)
    {
        var head = bytes.Span;
        if (head.Length < HeadLength || !head[..4].SequenceEqual(Magic))
        {
            throw new InvalidDataException("This is no question to an expert: it does not begin with 'DDMV' and 34 bytes more. docs/serving.md tells the form.");
        }

        if (head[4] != Version)
        {
            throw new InvalidDataException($"A question of version {head[4]}; this host answers version {Version}. Run gateway and hosts of one version.");
        }

        var count = head[HeadLength - 1];
        if (count is not (2 or 3))
        {
            throw new InvalidDataException($"{count} tensors: there are x and t, and a condition or none.");
        }

        var (expert, rest) = (Convert.ToHexStringLower(head.Slice(5, HashLength)), bytes[HeadLength..]);
        var question = new VelocityQuestion(
            expert, WireTensor.Read(ref rest, "x"), WireTensor.Read(ref rest, "t"), count == 3 ? WireTensor.Read(ref rest, "the condition") : null);
        return rest.IsEmpty ? question : throw new InvalidDataException($"{rest.Length} bytes follow the last tensor.");
    }

    /// <summary>Holds the question against the network that it is for: what does not fit never reaches it.</summary>
    /// <exception cref="InvalidDataException">It does not fit; the message says what does.</exception>
    public void Check(DiTConfig network)
    {
        var rows = X.Shape[0];
        Require(rows <= MostRows, $"{rows} rows: ask for {MostRows} at most");
        RequireShape(X, ScalarType.Float32, [rows, network.Channels, network.ImageSize, network.ImageSize], "x");
        RequireShape(T, ScalarType.Float32, [rows], "t");
        if (network.Text is { } text)
        {
            Require(Condition is not null, $"the expert takes captions, and none came");
            RequireShape(Condition!, text.Learned ? ScalarType.Int64 : ScalarType.Float32, text.Learned ? [rows, text.Tokens] : [rows, text.Tokens, text.Width], "the captions");
            RequireRange(text.Learned ? text.Vocabulary - 1 : null);
        }
        else if (network.Classes > 0)
        {
            Require(Condition is not null, $"the expert takes classes, and none came");
            RequireShape(Condition!, ScalarType.Int64, [rows], "the classes");
            RequireRange(network.Classes);
        }
        else
        {
            Require(Condition is null, $"the expert takes no condition, and one came");
        }
    }

    // A table that is asked beyond its end takes a GPU's whole context with it.
    private void RequireRange(int? most)
    {
        foreach (var value in most is null ? [] : System.Runtime.InteropServices.MemoryMarshal.Cast<byte, long>(Condition!.Data.Span))
        {
            Require(value >= 0 && value <= most, $"the condition has {value}: give 0 to {most}");
        }
    }

    private static void RequireShape(WireTensor tensor, ScalarType type, long[] shape, string what)
        => Require(tensor.Type == type && tensor.Shape.AsSpan().SequenceEqual(shape),
            $"{what}: {tensor.Type} [{string.Join(", ", tensor.Shape)}] came where the expert takes {type} [{string.Join(", ", shape)}]");

    private static void Require(bool holds, FormattableString otherwise)
    {
        if (!holds)
        {
            throw new InvalidDataException(FormattableString.Invariant(otherwise) + ".");
        }
    }
}
