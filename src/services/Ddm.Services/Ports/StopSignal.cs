namespace Ddm.Services;

/// <summary>
/// Asks long work to end: at its next safe point, the running slice commits and returns and nothing new begins; or, while there is time, by letting what runs come to a
/// good end and taking nothing new.
/// </summary>
public sealed class StopSignal : IDisposable
{
    private readonly CancellationTokenSource source = new();
    private bool draining;

    /// <summary>Cancelled once the process should wind down.</summary>
    public CancellationToken Token => source.Token;

    /// <summary>Whether nothing new may begin, while what runs comes to its end unhurried.</summary>
    public bool IsDraining => Volatile.Read(ref draining);

    /// <summary>Lets nothing new begin; what runs ends its turn and commits.</summary>
    public void Drain() => Volatile.Write(ref draining, true);

    /// <summary>Raises the signal; again is harmless.</summary>
    public void Raise() => source.Cancel();

    /// <inheritdoc/>
    public void Dispose() => source.Dispose();
}
