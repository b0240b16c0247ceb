namespace Ddm.Runs;

/// <summary>
/// A wake-up for one bounded piece of a run's work. Never the truth: a handler looks at the blobs first, so that a lost, doubled or late
/// command costs time and nothing else.
/// </summary>
public interface IRunCommand
{
    /// <summary>Name of the run.</summary>
    string Run { get; }
}
