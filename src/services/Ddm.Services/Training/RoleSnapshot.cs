namespace Ddm.Services;

/// <summary>A role's state at one step, to be made a checkpoint while its training goes on.</summary>
/// <param name="Step">Steps made.</param>
/// <param name="Parts">Names and writers of the checkpoint's parts; a writer gives the same bytes each time it is called.</param>
public sealed record RoleSnapshot(long Step, IReadOnlyList<(string Name, Func<Stream, CancellationToken, Task> Write)> Parts) : IDisposable
{
    /// <summary>Frees the copy; null: nothing to free.</summary>
    public Action? Release { get; init; }

    /// <inheritdoc/>
    public void Dispose() => Release?.Invoke();
}
