namespace Ddm.Runs;

/// <summary>Something of the run finished: whoever plans should look at the blobs again.</summary>
/// <param name="Run">Name of the run.</param>
public sealed record RunAdvanced(string Run);
