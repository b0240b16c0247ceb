namespace Ddm.Bench;

/// <summary>What one benchmark found.</summary>
/// <param name="Measured">What was measured and how, in words: sizes, FLOPs counted, versions of the peers.</param>
/// <param name="Columns">The table's heading.</param>
/// <param name="Rows">Its rows, as many cells each.</param>
/// <param name="Targets">What it was meant to reach.</param>
internal sealed record Section(string Measured, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows, IReadOnlyList<Target> Targets);

/// <summary>A figure that was aimed at.</summary>
/// <param name="What">In words: <c>top-1 at most 1.15 x one expert alone</c>.</param>
/// <param name="Found">What was measured.</param>
/// <param name="Met">Whether it is enough.</param>
internal sealed record Target(string What, string Found, bool Met);
