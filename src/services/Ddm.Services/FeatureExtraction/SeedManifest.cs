using Ddm.Encoders;

namespace Ddm.Services;

/// <summary>What a run copied of its seed checkpoint.</summary>
/// <param name="Sha256">Hash of the copy.</param>
/// <param name="Fit">What it holds.</param>
public sealed record SeedManifest(string Sha256, SeedFit Fit);
