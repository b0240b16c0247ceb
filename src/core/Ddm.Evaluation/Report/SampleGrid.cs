namespace Ddm.Evaluation;

/// <summary>A grid of drawn pictures.</summary>
/// <param name="Title">What drew it: <c>top-1</c>, <c>ancestral</c>, <c>expert 2 alone</c>.</param>
/// <param name="Png">The grid.</param>
/// <param name="Note">What to look for, or how it was drawn; empty: none.</param>
/// <param name="Seeds">The seeds, as text: <c>0 to 63</c>.</param>
public sealed record SampleGrid(string Title, ReadOnlyMemory<byte> Png, string Note, string Seeds);
