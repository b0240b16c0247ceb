namespace Ddm.Services;

/// <summary>Many small waits, a few at a time. They stay where they were begun: no thread of a pool is asked for.</summary>
internal static class BoundedWork
{
    /// <summary>Does a piece of work for each index, from 0 on.</summary>
    /// <param name="count">How many pieces.</param>
    /// <param name="lanes">Most that are under way at once; pieces run on several threads where the caller has no context.</param>
    /// <param name="work">The work; the first that throws ends all: what is under way is waited for, the rest is left.</param>
    public static async Task RunAsync(int count, int lanes, Func<int, Task> work)
    {
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, Math.Min(lanes, count)).Select(_ => GoAlongAsync()));

        async Task GoAlongAsync()
        {
            for (var i = Interlocked.Increment(ref next); i < count; i = Interlocked.Increment(ref next))
            {
                try
                {
                    await work(i);
                }
                catch
                {
                    Volatile.Write(ref next, count);
                    throw;
                }
            }
        }
    }
}
