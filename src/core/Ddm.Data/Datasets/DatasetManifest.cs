using System.Security.Cryptography;
using Ddm.Storage;

namespace Ddm.Data;

/// <summary>A frozen data set: blob <c>datasets/{id}/manifest.json</c>.</summary>
/// <param name="Id">From <see cref="DatasetId.For"/>.</param>
/// <param name="Schema">2; 1 knew no captions and is read as it is.</param>
/// <param name="ImageSize">Side of the square, pixels.</param>
/// <param name="Channels">1 or 3.</param>
/// <param name="ClassNames">In the order of the labels; empty: no labels.</param>
/// <param name="Rows">Good images, held-out ones included.</param>
/// <param name="HeldOutRows">Of these, held out.</param>
/// <param name="Quarantined">Images that could not be used; each shard's record lists them.</param>
/// <param name="Shards">In the order of the source.</param>
/// <param name="CaptionedRows">Good images that have a caption.</param>
public sealed record DatasetManifest(
    string Id, int Schema, int ImageSize, int Channels, IReadOnlyList<string> ClassNames, long Rows, long HeldOutRows, long Quarantined,
    IReadOnlyList<DatasetShard> Shards, long CaptionedRows = 0)
{
    /// <summary>The layout this version writes and the newest it reads.</summary>
    public const int CurrentSchema = 2;

    /// <summary>The hash of the manifest's blob, lower-case hexadecimal.</summary>
    public string ComputeSha256() => Convert.ToHexStringLower(SHA256.HashData(BlobJson.Serialize(this)));
}
