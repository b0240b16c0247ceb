using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Tensor files that one stage leaves for the next.</summary>
internal static class ProductBlobs
{
    /// <summary>Reads a stage's product and holds it against its seal.</summary>
    /// <exception cref="InvalidDataException">It is missing though its stage is over, or it was changed since it was written; the message names it.</exception>
    public static async Task<byte[]> ReadProductAsync(this IBlobStore blobs, string name, CancellationToken cancellationToken)
    {
        var content = await blobs.ReadAsync(name, cancellationToken) ?? throw new InvalidDataException($"{name} is missing, though its stage is over.");
        return SafetensorsSeal.Check(name, content.Bytes);
    }

    /// <summary>Opens a stage's product of any size, held against its seal, at its beginning.</summary>
    /// <exception cref="InvalidDataException">As for <see cref="ReadProductAsync"/>.</exception>
    public static async Task<Stream> OpenProductAsync(this IBlobStore blobs, string name, CancellationToken cancellationToken)
    {
        var stream = await blobs.OpenReadAsync(name, cancellationToken) ?? throw new InvalidDataException($"{name} is missing, though its stage is over.");
        try
        {
            SafetensorsSeal.Check(name, stream);
            return stream;
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whether a document or a tensor file was changed after it had been sealed. One without a seal counts as whole where it can be read.</summary>
    public static async Task<bool> IsDamagedAsync(this IBlobStore blobs, string name, CancellationToken cancellationToken)
    {
        try
        {
            if (name.EndsWith(".json", StringComparison.Ordinal))
            {
                await blobs.ReadJsonAsync<JsonObject>(name, cancellationToken);
            }
            else if (name.EndsWith(".safetensors", StringComparison.Ordinal) && await blobs.OpenReadAsync(name, cancellationToken) is { } stream)
            {
                await using (stream)
                {
                    SafetensorsSeal.Check(name, stream);
                    SafetensorsHeader.Parse(stream);
                }
            }

            return false;
        }
        catch (InvalidDataException)
        {
            return true;
        }
    }

    /// <summary>Whether a blob is there with another content than that of a hash.</summary>
    public static async Task<bool> IsDamagedAsync(this IBlobStore blobs, string name, string sha256, CancellationToken cancellationToken)
    {
        await using var stream = await blobs.OpenReadAsync(name, cancellationToken);
        return stream is not null && Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellationToken)) != sha256;
    }

    /// <summary>Writes a stage's product of any size, sealed, unless it is there. It goes through two scratch files, not through memory.</summary>
    /// <param name="blobs">Where to.</param>
    /// <param name="name">The product.</param>
    /// <param name="prepare">Writes a safetensors file.</param>
    /// <param name="cancellationToken">Leaves nothing.</param>
    public static async Task WriteProductAsync(this IBlobStore blobs, string name, Func<Stream, Task> prepare, CancellationToken cancellationToken)
    {
        if (await blobs.ExistsAsync(name, cancellationToken))
        {
            return; // what it was made of may be gone since
        }

        await using var plain = Scratch();
        await prepare(plain);
        await using var product = Scratch();
        SafetensorsSeal.Apply(plain, product);
        await blobs.TryWriteStreamAsync(
            name,
            (stream, token) =>
            {
                product.Position = 0;
                return product.CopyToAsync(stream, token);
            },
            WriteCondition.IfAbsent,
            cancellationToken);
    }

    /// <summary>Writes what <see cref="WriteProductAsync"/> would.</summary>
    /// <param name="prepare">Writes a safetensors file.</param>
    /// <param name="target">Receives it sealed; need not be seekable.</param>
    public static void WriteSealed(Action<Stream> prepare, Stream target)
    {
        using var plain = Scratch();
        prepare(plain);
        using var product = Scratch();
        SafetensorsSeal.Apply(plain, product);
        product.Position = 0;
        product.CopyTo(target);
    }

    private static FileStream Scratch() => new(
        Path.Combine(Path.GetTempPath(), Path.GetRandomFileName()), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16, FileOptions.DeleteOnClose);
}
