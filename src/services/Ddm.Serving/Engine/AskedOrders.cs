using System.Diagnostics;
using Ddm.Diffusion;

namespace Ddm.Serving;

/// <summary>Orders whose experts were asked together. Each goes on once its own answers are there. The device thread's, but for what <see cref="GatherAsync"/> waits for.</summary>
internal sealed class AskedOrders(StepUnderWay step, IReadOnlyList<Ticket> tickets) : IDisposable
{
    private readonly long began = Stopwatch.GetTimestamp();
    private readonly Dictionary<Ticket, Task> arrivals = tickets.ToDictionary(ticket => ticket, ticket => step.Arrival(ticket.Due));
    private bool gathered;

    public StepUnderWay Step { get; } = step;

    /// <summary>Orders that have not gone on.</summary>
    public IReadOnlyCollection<Ticket> Waiting => arrivals.Keys;

    /// <summary>Those of them whose answers are there.</summary>
    public Ticket[] Ready => [.. arrivals.Where(pair => pair.Value.IsCompleted).Select(pair => pair.Key)];

    /// <summary>What they wait for, each.</summary>
    public Task[] Arrivals => [.. arrivals.Values];

    /// <summary>It waits no more.</summary>
    public void Leave(Ticket ticket) => arrivals.Remove(ticket);

    /// <summary>
    /// Where the first answers have come, waits a little for the others: half as long as those took. Orders that were asked together mostly go on together then, and whoever
    /// is behind a slow host is not waited for longer than that, once.
    /// </summary>
    /// <param name="arrival">Ends the wait: somebody new is there.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends it too.</param>
    public async Task GatherAsync(Task arrival, TimeProvider time, CancellationToken cancellationToken)
    {
        var (all, first) = (Task.WhenAll(arrivals.Values), arrivals.Values.Any(arrival => arrival.IsCompleted));
        if (first && !gathered && !all.IsCompleted)
        {
            gathered = true;
            await Task.WhenAny(all, arrival, Task.Delay(Stopwatch.GetElapsedTime(began) / 2, time, cancellationToken));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Step.Dispose();
}
