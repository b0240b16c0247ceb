using System.Security.Cryptography;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Copies a blob and checks on the way that it is the one it should be.</summary>
internal static class HashedCopy
{
    private const int BufferBytes = 1 << 20;

    /// <exception cref="CheckpointException">The content has another SHA-256.</exception>
    public static async Task CopyAsync(Stream source, Stream target, string sha256, string name, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[BufferBytes];
        int read;
        while ((read = await source.ReadAsync(buffer, cancellationToken)) > 0)
        {
            hash.AppendData(buffer, 0, read);
            await target.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
        }

        Require(Convert.ToHexStringLower(hash.GetHashAndReset()), sha256, name);
    }

    /// <summary>Refuses a blob of another content.</summary>
    /// <exception cref="CheckpointException">The content has another SHA-256.</exception>
    public static void Require(string found, string sha256, string name)
    {
        if (found != sha256)
        {
            throw new CheckpointException($"{name} is damaged: its SHA-256 is {found}, its manifest says {sha256}. Restore the blob, or let its role commit again.");
        }
    }
}
