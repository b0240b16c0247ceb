namespace Ddm.Runs;

/// <summary>The seed checkpoint that a run's experts start from.</summary>
/// <param name="File">As the spec names it.</param>
/// <param name="Sha256">Hash of the file at submission.</param>
public sealed record RunSeed(string File, string Sha256);
