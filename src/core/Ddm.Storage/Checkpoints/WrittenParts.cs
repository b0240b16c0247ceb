namespace Ddm.Storage;

/// <summary>The parts of a checkpoint that has no manifest yet.</summary>
/// <param name="Folder">Blob prefix, with its final <c>/</c>.</param>
/// <param name="Parts">Their names, lengths and hashes.</param>
public sealed record WrittenParts(string Folder, IReadOnlyList<CheckpointPart> Parts);
