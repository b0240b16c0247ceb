using System.Security.Cryptography;

namespace Ddm.Data;

/// <summary>Hashes of shards.</summary>
internal static class ShardHash
{
    /// <summary>Checks a shard against its manifest.</summary>
    /// <exception cref="InvalidDataException">The bytes are others; the message names blob and both hashes.</exception>
    public static void Require(string name, byte[] bytes, string expected)
    {
        var actual = Convert.ToHexStringLower(SHA256.HashData(bytes));
        if (actual != expected)
        {
            throw new InvalidDataException($"{name} is damaged: its sha256 is {actual}, the manifest says {expected}.");
        }
    }
}
