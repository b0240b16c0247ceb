namespace Ddm.Storage;

/// <summary>One checkpoint as a walk down a role's chain of hashes found it.</summary>
/// <param name="Folder">Its blob prefix.</param>
/// <param name="Manifest">Its manifest; null when that is missing or has another hash than the chain says.</param>
/// <param name="Faults">What is wrong with it; empty when it is what the chain vouches for.</param>
/// <param name="Opened">Ready to be trained on from; null where its tensors were swept or something is wrong with them.</param>
public sealed record VerifiedCheckpoint(string Folder, CheckpointManifest? Manifest, IReadOnlyList<string> Faults, OpenedCheckpoint? Opened);
