namespace Ddm.Storage;

/// <summary>Names one checkpoint beyond doubt.</summary>
/// <param name="Folder">Blob prefix, with its final <c>/</c>.</param>
/// <param name="ManifestSha256">SHA-256 of its manifest.</param>
/// <param name="Step">Steps trained.</param>
public sealed record CheckpointReference(string Folder, string ManifestSha256, long Step);
