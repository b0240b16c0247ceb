using System.Security.Cryptography;
using Ddm.Data;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Serving;

/// <summary>Files of drawn pictures: encoded, and kept for those who were given a link.</summary>
internal sealed class PictureFiles(IBlobStore blobs, TimeProvider time)
{
    /// <summary>A new id: ids sort by the time they were made, and cannot be guessed.</summary>
    public string NewId() => string.Create(
        System.Globalization.CultureInfo.InvariantCulture, $"{time.GetUtcNow().ToUnixTimeMilliseconds():x12}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12))}");

    /// <summary>The name of a picture's file.</summary>
    public static string FileName(int index, PictureEncoding format) => FormattableString.Invariant($"{index}.{format.Extension()}");

    /// <summary>Every picture as a file.</summary>
    public static IReadOnlyList<byte[]> Encode(DrawnOrder drawn, PictureEncoding format, int quality)
        => [.. drawn.Pictures.Select(planes => ImageCodec.Encode(planes, drawn.Channels, drawn.Size, drawn.Size, format, quality))];

    /// <summary>Keeps files under an id.</summary>
    public async Task KeepAsync(string id, IReadOnlyList<byte[]> files, PictureEncoding format, CancellationToken cancellationToken)
    {
        for (var i = 0; i < files.Count; i++)
        {
            await blobs.TryWriteAsync(BlobNames.ImageFile(id, FileName(i, format)), files[i], WriteCondition.Any, cancellationToken);
        }
    }

    /// <summary>A file that is kept; null: it is gone.</summary>
    public async Task<byte[]?> ReadAsync(string id, string file, CancellationToken cancellationToken)
        => BlobName.IsSegment(id) && BlobName.IsSegment(file) ? (await blobs.ReadAsync(BlobNames.ImageFile(id, file), cancellationToken))?.Bytes : null;
}
