namespace Ddm.Storage;

/// <summary>Tells of the times in which a store did not answer, once it answers again: its client waits, so that nobody else notices. Fed by every try of every request.</summary>
/// <param name="clock">Measures them.</param>
public sealed class StoreOutages(TimeProvider clock)
{
    /// <summary>A connection that was closed while nobody used it costs one try and a short wait: that is no outage.</summary>
    public static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);

    private long began; // 0: it answers

    /// <summary>Whether the last try had no answer.</summary>
    public bool IsOut => Volatile.Read(ref began) != 0;

    /// <summary>An outage is over. Told how long it was, on the thread of the request that was answered: to return at once.</summary>
    public event Action<TimeSpan>? Over;

    /// <summary>A try had no answer.</summary>
    internal void Miss()
    {
        if (!IsOut)
        {
            Interlocked.CompareExchange(ref began, Math.Max(1, clock.GetTimestamp()), 0);
        }
    }

    /// <summary>A try was answered, whatever the answer.</summary>
    internal void Answer()
    {
        if (IsOut && Interlocked.Exchange(ref began, 0) is var since and not 0 && clock.GetElapsedTime(since) is var length && length >= Shortest)
        {
            Over?.Invoke(length);
        }
    }
}
