using Ddm.Services;

namespace Ddm.Cli;

/// <summary>What a watcher sees of a run: one of these.</summary>
internal abstract record RunSighting
{
    private RunSighting()
    {
    }

    /// <summary>How it stands.</summary>
    public sealed record Standing(RunFacts Facts) : RunSighting;

    /// <summary>Something happened.</summary>
    public sealed record Happening(RunEvent Event) : RunSighting;

    /// <summary>Something about the watching itself.</summary>
    public sealed record Note(string Text) : RunSighting;
}
