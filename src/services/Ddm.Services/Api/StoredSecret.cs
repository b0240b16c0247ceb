using System.Security.Cryptography;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>A secret that lies in the store, made by whoever needs it first: any replica signs and verifies with the same one, also after a restart.</summary>
/// <param name="blobs">The store.</param>
/// <param name="blob">Its blob.</param>
internal sealed class StoredSecret(IBlobStore blobs, string blob)
{
    private const int Bytes = 32;
    private byte[]? known;

    /// <summary>The secret, read or made once.</summary>
    /// <exception cref="IOException">The store does not answer.</exception>
    public async Task<byte[]> ReadAsync(CancellationToken cancellationToken)
    {
        if (known is not null)
        {
            return known;
        }

        // The first writer wins; whoever comes second reads what the first wrote.
        var made = new SecretBlob(Convert.ToBase64String(RandomNumberGenerator.GetBytes(Bytes)));
        await blobs.TryWriteJsonAsync(blob, made, WriteCondition.IfAbsent, cancellationToken);
        var held = await blobs.ReadJsonAsync<SecretBlob>(blob, cancellationToken) ?? throw new IOException($"{blob} vanished.");
        return known = Convert.FromBase64String(held.Value.Key);
    }
}

/// <summary>What the blob of a secret holds.</summary>
/// <param name="Key">32 bytes in base64.</param>
internal sealed record SecretBlob(string Key);
