namespace Ddm.Services;

/// <summary>What an import left.</summary>
/// <param name="Manifest">The published version.</param>
/// <param name="Existed">True when the same had been imported before.</param>
public sealed record ImportedModel(ModelManifest Manifest, bool Existed);
