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
