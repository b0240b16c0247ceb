using System.Collections.Concurrent;

namespace Ddm.Services.Tests;

/// <summary>Runs a test's continuations one after the other on its own thread, in the order in which they are posted: what runs beside what is then the same each time.</summary>
internal sealed class SingleThread : SynchronizationContext
{
    private readonly BlockingCollection<(SendOrPostCallback Callback, object? State)> posted = [];

    public static void Run(Func<Task> work)
    {
        var (before, own) = (Current, new SingleThread());
        SetSynchronizationContext(own);
        try
        {
            var task = work();
            task.ContinueWith(_ => own.posted.CompleteAdding(), TaskScheduler.Default);
            foreach (var (callback, state) in own.posted.GetConsumingEnumerable())
            {
                callback(state);
            }

            task.GetAwaiter().GetResult();
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }

    public override void Post(SendOrPostCallback d, object? state) => posted.Add((d, state));

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException();
}
