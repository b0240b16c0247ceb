namespace Ddm.Storage;

/// <summary>
/// Keeps processes from taking up runs for a moment: every <see cref="RunLock.Acquire"/> passes through it. Whoever deletes what no run uses stays in it from
/// the look at the runs to the last deletion, so that no run begins to use what is going.
/// </summary>
public sealed class StartGate : IDisposable
{
    private readonly FileStream held;

    private StartGate(FileStream held) => this.held = held;

    /// <summary>Waits until the gate is free and enters it.</summary>
    public static StartGate Enter(string home)
    {
        var folder = RunLock.LocksOf(home);
        DurableFolder.Create(folder);
        return new StartGate(FileLock.AcquireAsync(Path.Combine(folder, "start.gate"), CancellationToken.None).GetAwaiter().GetResult());
    }

    /// <inheritdoc/>
    public void Dispose() => held.Dispose();
}
