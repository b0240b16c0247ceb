namespace Ddm.Serving;

/// <summary>How many questions a host has taken in and not answered.</summary>
internal sealed class ExpertHostLoad
{
    private int waiting;

    /// <summary>Questions that have a place.</summary>
    public int Waiting => Volatile.Read(ref waiting);

    /// <summary>Takes a place until it is disposed; null: there are as many as may be.</summary>
    public IDisposable? TryEnter(int most)
    {
        if (Interlocked.Increment(ref waiting) <= most)
        {
            return new Entered(this);
        }

        Interlocked.Decrement(ref waiting);
        return null;
    }

    private sealed class Entered(ExpertHostLoad load) : IDisposable
    {
        public void Dispose() => Interlocked.Decrement(ref load.waiting);
    }
}
