namespace Ddm.Runs;

/// <summary>What comes next for a run.</summary>
/// <param name="Document">The next decisions; the very instance that was given if nothing changed.</param>
/// <param name="Commands">What to send once the document is written. Sending more than once is harmless.</param>
public sealed record RunPlan(RunDocument Document, IReadOnlyList<IRunCommand> Commands);
