using System.Security.Cryptography;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>A file to import that was read whole and is known by the hash of what is published of it.</summary>
/// <param name="Path">The file or folder.</param>
/// <param name="Sha256">Hash of what <paramref name="Save"/> writes.</param>
/// <param name="Save">Reads the file again and writes what is published, on the device thread.</param>
internal sealed record ImportedFile(string Path, string Sha256, Action<Stream> Save)
{
    /// <summary>Hashes what a function writes, and keeps none of it.</summary>
    public static string Hash(Action<Stream> save) => Through(Stream.Null, save);

    /// <summary>Writes what is published.</summary>
    /// <exception cref="UserErrorException">The file is another than was looked at.</exception>
    public void Write(Stream target)
    {
        if (Through(target, Save) != Sha256)
        {
            throw new UserErrorException($"{Path} changed while it was imported. Import it again when nobody writes it.");
        }
    }

    private static string Through(Stream target, Action<Stream> save)
    {
        using var hash = SHA256.Create();
        using (var stream = new CryptoStream(target, hash, CryptoStreamMode.Write, leaveOpen: true))
        {
            save(stream);
        }

        return Convert.ToHexStringLower(hash.Hash!);
    }
}
