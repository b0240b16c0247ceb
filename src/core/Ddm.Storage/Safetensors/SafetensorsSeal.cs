using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Ddm.Storage;

/// <summary>
/// SHA-256 of a small safetensors file inside its own header (<c>__metadata__.seal</c>, computed with the digits as zeros), for blobs that no manifest
/// vouches for: a flipped bit in a number is still a good tensor, and would otherwise be believed. Files without one are taken as they are.
/// </summary>
public static class SafetensorsSeal
{
    private const string Key = "seal";
    private const int HashLength = 64;

    private static ReadOnlySpan<byte> Before => "\"seal\":\""u8;

    /// <summary>The same tensors and metadata with a seal.</summary>
    /// <exception cref="InvalidDataException">Not a safetensors file.</exception>
    public static byte[] Apply(byte[] file)
    {
        using var stream = new MemoryStream(file, writable: false);
        var header = SafetensorsHeader.Parse(stream);
        var metadata = new Dictionary<string, string>(header.Metadata, StringComparer.Ordinal) { [Key] = new('0', HashLength) };
        using var target = new MemoryStream(file.Length + 256);
        SafetensorsWriter.Write(
            target,
            [.. header.Tensors.Select(tensor => (tensor.Name, tensor.DType, tensor.Shape))],
            metadata,
            (i, data) => data.Write(file.AsSpan((int)(header.DataStart + header.Tensors[i].Begin), (int)header.Tensors[i].Length)));
        var copy = target.ToArray();
        Encoding.ASCII.GetBytes(Sha256.Of(copy)).CopyTo(copy, Find(copy));
        return copy;
    }

    /// <summary>Holds a file against its seal.</summary>
    /// <returns>The file.</returns>
    /// <exception cref="InvalidDataException">It was changed since; the message names <paramref name="name"/>.</exception>
    public static byte[] Check(string name, byte[] file)
    {
        var at = Find(file);
        if (at < 0)
        {
            return file;
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(file, 0, at);
        hash.AppendData(Encoding.ASCII.GetBytes(new string('0', HashLength)));
        hash.AppendData(file, at + HashLength, file.Length - at - HashLength);
        var found = Convert.ToHexStringLower(hash.GetHashAndReset());
        var told = Encoding.ASCII.GetString(file, at, HashLength);
        return found == told
            ? file
            : throw new InvalidDataException($"{name} ({file.Length} bytes) was changed after it had been written: it has sha256 {found}, its seal says {told}.");
    }

    // Where the seal's digits begin; -1 where there is none. Metadata comes first in a header of ours.
    private static int Find(byte[] file)
    {
        if (file.Length < 8)
        {
            return -1;
        }

        var length = (int)Math.Min(BinaryPrimitives.ReadUInt64LittleEndian(file), (ulong)(file.Length - 8));
        var at = file.AsSpan(8, length).IndexOf(Before);
        return at < 0 || at + Before.Length + HashLength > length ? -1 : 8 + at + Before.Length;
    }
}
