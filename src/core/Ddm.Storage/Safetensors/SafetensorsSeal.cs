using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Ddm.Storage;

/// <summary>
/// SHA-256 of a safetensors file inside its own header (<c>__metadata__.seal</c>, computed with the digits as zeros), for blobs that no manifest
/// vouches for: a flipped bit in a number is still a good tensor, and would otherwise be believed. Files without one are taken as they are.
/// </summary>
public static class SafetensorsSeal
{
    /// <summary>Its entry in the header's metadata.</summary>
    public const string Key = "seal";

    private const int HashLength = 64;
    private const int BufferBytes = 1 << 20;

    private static ReadOnlySpan<byte> Before => "\"seal\":\""u8;

    /// <summary>The same tensors and metadata with a seal.</summary>
    /// <exception cref="InvalidDataException">Not a safetensors file.</exception>
    public static byte[] Apply(byte[] file)
    {
        using var source = new MemoryStream(file, writable: false);
        using var target = new MemoryStream(file.Length + 256);
        Apply(source, target);
        return target.ToArray();
    }

    /// <summary>The same tensors and metadata with a seal, of any size.</summary>
    /// <param name="source">A safetensors file from its beginning; seekable.</param>
    /// <param name="target">Receives the sealed file; empty, seekable, readable.</param>
    /// <exception cref="InvalidDataException">Not a safetensors file.</exception>
    public static void Apply(Stream source, Stream target)
    {
        source.Position = 0;
        var header = SafetensorsHeader.Parse(source);
        var metadata = new Dictionary<string, string>(header.Metadata, StringComparer.Ordinal) { [Key] = new('0', HashLength) };
        SafetensorsWriter.Write(
            target,
            [.. header.Tensors.Select(tensor => (tensor.Name, tensor.DType, tensor.Shape))],
            metadata,
            (i, data) => Copy(source, header.DataStart + header.Tensors[i].Begin, header.Tensors[i].Length, data));
        target.Position = 0;
        var at = Find(target);
        target.Position = 0;
        var hash = Convert.ToHexStringLower(SHA256.HashData(target)); // the digits are zeros
        target.Position = at;
        target.Write(Encoding.ASCII.GetBytes(hash));
    }

    /// <summary>Holds a file against its seal.</summary>
    /// <returns>The file.</returns>
    /// <exception cref="InvalidDataException">It was changed since; the message names <paramref name="name"/>.</exception>
    public static byte[] Check(string name, byte[] file)
    {
        using var stream = new MemoryStream(file, writable: false);
        Check(name, stream);
        return file;
    }

    /// <summary>Holds a file against its seal, and leaves it at its beginning.</summary>
    /// <param name="name">Its blob, for the message.</param>
    /// <param name="file">Seekable.</param>
    /// <exception cref="InvalidDataException">It was changed since; the message names <paramref name="name"/>.</exception>
    public static void Check(string name, Stream file)
    {
        file.Position = 0;
        var at = Find(file);
        if (at >= 0)
        {
            var told = new byte[HashLength];
            file.Position = at;
            file.ReadExactly(told);
            var (found, seal) = (HashWithZeros(file, at), Encoding.ASCII.GetString(told));
            if (found != seal)
            {
                throw new InvalidDataException($"{name} ({file.Length} bytes) was changed after it had been written: it has sha256 {found}, its seal says {seal}.");
            }
        }

        file.Position = 0;
    }

    private static string HashWithZeros(Stream file, long at)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Pass(file, 0, at, hash.AppendData);
        hash.AppendData(Encoding.ASCII.GetBytes(new string('0', HashLength)));
        Pass(file, at + HashLength, file.Length - at - HashLength, hash.AppendData);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Copy(Stream source, long from, long count, Stream target) => Pass(source, from, count, target.Write);

    private delegate void Take(ReadOnlySpan<byte> bytes);

    private static void Pass(Stream source, long from, long count, Take take)
    {
        var buffer = new byte[(int)Math.Min(BufferBytes, Math.Max(1, count))];
        source.Position = from;
        while (count > 0)
        {
            var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, count));
            source.ReadExactly(part);
            take(part);
            count -= part.Length;
        }
    }

    // Where the seal's digits begin; -1 where there is none. Metadata comes first in a header of ours.
    private static long Find(Stream file)
    {
        var prefix = new byte[sizeof(ulong)];
        if (file.Length < prefix.Length)
        {
            return -1;
        }

        file.ReadExactly(prefix);
        var length = (int)Math.Min(BinaryPrimitives.ReadUInt64LittleEndian(prefix), (ulong)Math.Min(SafetensorsHeader.MaximumHeaderLength, file.Length - prefix.Length));
        var header = new byte[length];
        file.ReadExactly(header);
        var at = header.AsSpan().IndexOf(Before);
        return at < 0 || at + Before.Length + HashLength > length ? -1 : prefix.Length + at + Before.Length;
    }
}
