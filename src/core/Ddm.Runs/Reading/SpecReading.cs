namespace Ddm.Runs;

/// <summary>What came of reading a spec: see <see cref="RunSpecReader.Check"/>.</summary>
public sealed class SpecReading
{
    private readonly SpecContext context;

    internal SpecReading(RunSpec? spec, SpecContext context)
    {
        Spec = spec;
        this.context = context;
    }

    /// <summary>The spec; null when there are mistakes.</summary>
    public RunSpec? Spec { get; }

    /// <summary>What is wrong, all of it, in the order of the file.</summary>
    public IReadOnlyList<SpecNote> Mistakes => context.Mistakes;

    /// <summary>What may be meant otherwise: a run would take it.</summary>
    public IReadOnlyList<SpecNote> Warnings { get; init; } = [];

    /// <summary>A note of the caller's own about a key, at its place in the file.</summary>
    public SpecNote About(string path, string text) => context.About(path, text);
}
