using System.Security.Cryptography;

namespace Ddm.Data;

/// <summary>Hashes of shards.</summary>
internal static class ShardHash
{
    /// <summary>Checks a shard against its manifest without holding it, and goes back to its beginning.</summary>
    /// <exception cref="InvalidDataException">The bytes are others; the message names blob and both hashes.</exception>
    public static async Task RequireAsync(string name, Stream shard, string expected, CancellationToken cancellationToken)
    {
        Compare(name, await SHA256.HashDataAsync(shard, cancellationToken), expected);
        shard.Position = 0;
    }

    /// <summary>Checks a shard against its manifest.</summary>
    /// <exception cref="InvalidDataException">The bytes are others; the message names blob and both hashes.</exception>
    public static void Require(string name, byte[] bytes, string expected)
    {
        Compare(name, SHA256.HashData(bytes), expected);
    }

    private static void Compare(string name, ReadOnlySpan<byte> sha256, string expected)
    {
        var actual = Convert.ToHexStringLower(sha256);
        if (actual != expected)
        {
            throw new InvalidDataException($"{name} is damaged: its sha256 is {actual}, the manifest says {expected}.");
        }
    }
}
