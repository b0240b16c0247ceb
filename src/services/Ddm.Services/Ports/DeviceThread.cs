using System.Collections.Concurrent;
using System.Diagnostics;
using Ddm.Tensors;

namespace Ddm.Services;

/// <summary>
/// The one thread that owns all tensors of a device. Dispose scopes and gradient mode are per thread in TorchSharp, so tensor work never
/// crosses an await: it is handed over here whole.
/// </summary>
public sealed class DeviceThread : IDisposable
{
    private static readonly TimeSpan LongestGoodbye = TimeSpan.FromSeconds(10);
    private readonly BlockingCollection<Action> work = [];
    private readonly Thread thread;
    private long busySince; // a timestamp; 0: idle

    /// <summary>Starts the thread.</summary>
    public DeviceThread()
    {
        TorchNative.EnsureLoaded();
        thread = new Thread(Loop) { IsBackground = true, Name = "ddm-device" };
        thread.Start();
    }

    /// <summary>Runs <paramref name="function"/> after all that was handed over before it.</summary>
    public Task<T> RunAsync<T>(Func<T> function)
    {
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        work.Add(() =>
        {
            try
            {
                completion.SetResult(function());
            }
            catch (Exception e)
            {
                completion.SetException(e); // rethrown where it is awaited
            }
        });
        return completion.Task;
    }

    /// <summary>Runs <paramref name="action"/> after all that was handed over before it.</summary>
    public Task RunAsync(Action action) => RunAsync(() =>
    {
        action();
        return true;
    });

    /// <summary>How long the present piece of work has taken; zero while idle.</summary>
    public TimeSpan BusyFor => Interlocked.Read(ref busySince) is not 0 and var since ? Stopwatch.GetElapsedTime(since) : TimeSpan.Zero;

    /// <inheritdoc/>
    public void Dispose()
    {
        work.CompleteAdding();
        if (thread.Join(LongestGoodbye))
        {
            work.Dispose();
        }

        // else a device that hangs: the thread is the process's to end
    }

    private void Loop()
    {
        foreach (var action in work.GetConsumingEnumerable())
        {
            Interlocked.Exchange(ref busySince, Stopwatch.GetTimestamp());
            action();
            Interlocked.Exchange(ref busySince, 0);
        }
    }
}
