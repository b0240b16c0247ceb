namespace Ddm.Services;

/// <summary>What an export left.</summary>
/// <param name="Folder">The folder.</param>
/// <param name="Manifest">What it holds.</param>
/// <param name="Files">Files in it.</param>
/// <param name="Bytes">Their size together.</param>
public sealed record ExportedModel(string Folder, ModelManifest Manifest, int Files, long Bytes);
