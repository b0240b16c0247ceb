namespace Ddm.Storage;

/// <summary>A checkpoint whose tensors are there still.</summary>
/// <param name="Folder">Blob prefix, with its final <c>/</c>.</param>
/// <param name="FromStep">Steps of its parent.</param>
/// <param name="Step">Its own steps.</param>
public sealed record KeptCheckpoint(string Folder, long FromStep, long Step);
