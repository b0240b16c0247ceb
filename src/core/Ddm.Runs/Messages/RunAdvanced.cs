namespace Ddm.Runs;

/// <summary>Something of the run finished: whoever plans should look at the blobs again.</summary>
/// <param name="Run">Name of the run.</param>
/// <param name="Role">The one role that it is about, by <see cref="Ddm.Runs.Role.Path"/>: only this one need be looked at; null: all.</param>
public sealed record RunAdvanced(string Run, string? Role = null);
