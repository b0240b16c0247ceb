namespace Ddm.Services;

/// <summary>Asks long work to end at its next safe point: the running slice commits and returns, nothing new begins.</summary>
public sealed class StopSignal : IDisposable
{
    private readonly CancellationTokenSource source = new();

    /// <summary>Cancelled once the process should wind down.</summary>
    public CancellationToken Token => source.Token;

    /// <summary>Raises the signal; again is harmless.</summary>
    public void Raise() => source.Cancel();

    /// <inheritdoc/>
    public void Dispose() => source.Dispose();
}
