using Ddm.Runs;

namespace Ddm.Services;

/// <summary>What came of a spec that was sent in.</summary>
public abstract record IntakeOutcome
{
    private IntakeOutcome()
    {
    }

    /// <summary>Its run was created.</summary>
    /// <param name="Document">The run.</param>
    public sealed record Created(RunDocument Document) : IntakeOutcome;

    /// <summary>Its run was there already, with the same spec.</summary>
    /// <param name="Document">The run.</param>
    public sealed record Existing(RunDocument Document) : IntakeOutcome;

    /// <summary>A run of its name has another spec, or is half removed.</summary>
    /// <param name="Run">The name.</param>
    /// <param name="Differences">A line a key; empty: the run is half removed.</param>
    public sealed record Taken(string Run, IReadOnlyList<string> Differences) : IntakeOutcome;

    /// <summary>The text has mistakes.</summary>
    /// <param name="Mistakes">All of them, in the order of the text.</param>
    public sealed record Mistaken(IReadOnlyList<SpecNote> Mistakes) : IntakeOutcome;

    /// <summary>The spec can be read and cannot be run: a path that is not open, data that cannot be read.</summary>
    /// <param name="Reason">Names value and remedy.</param>
    public sealed record Refused(string Reason) : IntakeOutcome;
}
