using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Small tensor files that one stage leaves for the next.</summary>
internal static class ProductBlobs
{
    /// <summary>Reads a stage's product and holds it against its seal.</summary>
    /// <exception cref="InvalidDataException">It is missing though its stage is over, or it was changed since it was written; the message names it.</exception>
    public static async Task<byte[]> ReadProductAsync(this IBlobStore blobs, string name, CancellationToken cancellationToken)
    {
        var content = await blobs.ReadAsync(name, cancellationToken) ?? throw new InvalidDataException($"{name} is missing, though its stage is over.");
        return SafetensorsSeal.Check(name, content.Bytes);
    }
}
