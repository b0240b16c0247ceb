namespace Ddm.Storage;

/// <summary>A checkpoint on the chain of a role's head.</summary>
/// <param name="Folder">Its blob prefix.</param>
/// <param name="Manifest">Its manifest, whose hash the chain vouches for.</param>
public sealed record CommittedCheckpoint(string Folder, CheckpointManifest Manifest);
