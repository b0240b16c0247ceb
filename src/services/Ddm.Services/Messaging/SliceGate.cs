using System.Collections.Concurrent;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>
/// One slice at a time in this process, and one run of a command. After a lost connection the broker hands a message out again while the first call still
/// works on it, perhaps to the same process: the second call joins the first and is acknowledged with it.
/// </summary>
public sealed class SliceGate : IDisposable
{
    private readonly SemaphoreSlim slices = new(1, 1);
    private readonly ConcurrentDictionary<IRunCommand, Task> running = new();
    private int waiting;
    private long taken;

    /// <summary>Slices that wait for the present one to end.</summary>
    public int Waiting => Volatile.Read(ref waiting);

    /// <summary>Whether no command is under way.</summary>
    public bool IsIdle => running.IsEmpty;

    /// <summary>Commands that were ever begun here.</summary>
    public long Taken => Interlocked.Read(ref taken);

    /// <summary>Ends when every command has ended that is under way now.</summary>
    public Task IdleAsync() => Task.WhenAll(running.Values);

    /// <summary>Does the work, or waits for the same command's work under way. A slice waits for the slice before it.</summary>
    public async Task RunAsync(IRunCommand command, Func<Task> work)
    {
        var mine = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var first = running.GetOrAdd(command, mine.Task);
        if (first != mine.Task)
        {
            DdmTelemetry.DroppedDuplicates.Add(1, DdmTelemetry.Command(command));
            await first;
            return;
        }

        Interlocked.Increment(ref taken);
        try
        {
            await WorkAsync(command, work);
        }
        finally
        {
            running.TryRemove(command, out _);
            mine.SetResult(); // whoever joined learns no more than that it is over: what came of it is in the blobs
        }
    }

    /// <inheritdoc/>
    public void Dispose() => slices.Dispose();

    private async Task WorkAsync(IRunCommand command, Func<Task> work)
    {
        if (command is not TrainSlice)
        {
            await work();
            return;
        }

        Interlocked.Increment(ref waiting);
        try
        {
            await slices.WaitAsync();
        }
        finally
        {
            Interlocked.Decrement(ref waiting);
        }

        try
        {
            await work();
        }
        finally
        {
            slices.Release();
        }
    }
}
