namespace Ddm.Services;

/// <summary>Which run the present work belongs to, for what is told without naming one.</summary>
internal sealed class RunScope : IDisposable
{
    private static readonly AsyncLocal<string?> Name = new();
    private readonly string? before = Name.Value;

    private RunScope(string run) => Name.Value = run;

    /// <summary>The run; null outside any work.</summary>
    public static string? Current => Name.Value;

    /// <summary>From here until disposed.</summary>
    public static RunScope Enter(string run) => new(run);

    public void Dispose() => Name.Value = before;
}
