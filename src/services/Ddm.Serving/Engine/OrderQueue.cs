namespace Ddm.Serving;

/// <summary>Orders that wait for the device: bounded, first come first served. Those that nobody waits for any more take no place.</summary>
internal sealed class OrderQueue(int most) : IDisposable
{
    private readonly LinkedList<Ticket> waiting = new();
    private readonly SemaphoreSlim arrivals = new(0);
    private bool closed;

    /// <summary>Orders that wait.</summary>
    public int Count
    {
        get
        {
            lock (waiting)
            {
                return waiting.Count(ticket => !ticket.Cancellation.IsCancellationRequested);
            }
        }
    }

    /// <summary>Takes an order in; false when there is no room, or the engine has stopped.</summary>
    public bool TryAdd(Ticket ticket)
    {
        lock (waiting)
        {
            if (closed || waiting.Count(other => !other.Cancellation.IsCancellationRequested) >= most)
            {
                return false;
            }

            waiting.AddLast(ticket);
        }

        arrivals.Release();
        return true;
    }

    /// <summary>The next order, if it has no more pictures than there is room for; a large one is not overtaken.</summary>
    public Ticket? Take(int room)
    {
        lock (waiting)
        {
            if (waiting.First is not { } first || (first.Value.Order.Count > room && !first.Value.Cancellation.IsCancellationRequested))
            {
                return null;
            }

            waiting.RemoveFirst();
            return first.Value;
        }
    }

    /// <summary>Something has changed that the engine should look at.</summary>
    public void Wake()
    {
        lock (waiting)
        {
            if (!closed)
            {
                arrivals.Release();
            }
        }
    }

    /// <summary>Waits until something may have arrived.</summary>
    public Task WaitAsync(CancellationToken cancellationToken) => arrivals.WaitAsync(cancellationToken);

    /// <summary>Takes in no more; gives what still waits.</summary>
    public IReadOnlyList<Ticket> Close()
    {
        lock (waiting)
        {
            closed = true;
            Ticket[] left = [.. waiting];
            waiting.Clear();
            return left;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => arrivals.Dispose();
}
