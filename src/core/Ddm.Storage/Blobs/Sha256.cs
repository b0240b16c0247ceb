using System.Security.Cryptography;

namespace Ddm.Storage;

/// <summary>SHA-256 as it is written everywhere: lower-case hex.</summary>
internal static class Sha256
{
    public static string Of(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
