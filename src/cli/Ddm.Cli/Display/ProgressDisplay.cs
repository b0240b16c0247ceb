using Ddm.Runs;
using Ddm.Services;
using Spectre.Console;

namespace Ddm.Cli;

/// <summary>Shows a run as it goes: a live table for people, lines where output is not a terminal, JSON lines for machines.</summary>
internal abstract class ProgressDisplay : IRunProgress, IDisposable
{
    /// <summary>The display that fits where output goes.</summary>
    public static ProgressDisplay For(bool json) => json ? new JsonDisplay()
        : AnsiConsole.Profile.Capabilities.Interactive && !Console.IsOutputRedirected ? new LiveTableDisplay()
        : new LineDisplay();

    public abstract void Stage(RunStage stage, int done, int total);

    public abstract void Ingest(long done, long total);

    public abstract void Encoding(EncodingProgress progress);

    public abstract void Training(TrainingProgress progress);

    public abstract void Notice(string message);

    public virtual void Ended(RunDocument document)
    {
    }

    /// <summary>A run that is watched from outside has ended.</summary>
    public virtual void Ended(RunFacts facts)
    {
    }

    /// <summary>Draws the last state and leaves the terminal as it was.</summary>
    public virtual void Close()
    {
    }

    public virtual void Dispose()
    {
    }
}
