using Ddm.Diffusion;
using Ddm.Services;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ddm.Serving;

/// <summary>
/// Draws what is asked for, step by step: between two steps orders join and leave. All tensors live on the one device thread; an order crosses the bounded queue and comes
/// back as bytes. Which pictures are stepped together leaves no trace in them (decision 014). Where experts live elsewhere an order that waits for them waits alone: the others
/// go on (decision 075).
/// </summary>
internal sealed class DrawingEngine : BackgroundService
{
    /// <summary>Pictures in memory, in batches: those that wait for a slow host must not keep others out.</summary>
    private const int MostBatches = 4;

    private readonly DeviceThread device;
    private readonly ServingSettings settings;
    private readonly TimeProvider time;
    private readonly ILogger<DrawingEngine> log;
    private readonly OrderQueue queue;
    private readonly List<Ticket> running = []; // the device thread's
    private readonly List<AskedOrders> asked = []; // too
    private volatile int active;

    public DrawingEngine(DeviceThread device, ServingSettings settings, TimeProvider time, ILogger<DrawingEngine> log)
    {
        (this.device, this.settings, this.time, this.log) = (device, settings, time, log);
        queue = new OrderQueue(settings.MaxWaiting);
        ServingTelemetry.Watch(this);
    }

    /// <summary>Orders that wait.</summary>
    public int Waiting => queue.Count;

    /// <summary>Pictures that are being drawn.</summary>
    public int Active => active;

    /// <summary>Takes an order in; null when there is no room for it. The lease becomes the ticket's.</summary>
    /// <param name="order">What to draw, checked.</param>
    /// <param name="lease">What draws it.</param>
    /// <param name="listener">Told how it goes.</param>
    /// <param name="cancellation">Ends it at the next step.</param>
    public Ticket? TrySubmit(PictureOrder order, ModelLease lease, IOrderListener? listener, CancellationToken cancellation)
    {
        var ticket = new Ticket(order, lease, listener, queue.Wake, cancellation);
        if (queue.TryAdd(ticket))
        {
            return ticket;
        }

        ticket.Dispose();
        return null;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        ServingTelemetry.Unwatch(this);
        queue.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        ServingTelemetry.Announce();
        try
        {
            var arrival = queue.WaitAsync(stoppingToken);
            while (!stoppingToken.IsCancellationRequested)
            {
                var waits = await device.RunAsync(Turn);
                if (waits is null)
                {
                    continue; // there is more to do at once
                }

                if (await Task.WhenAny([arrival, .. waits.SelectMany(orders => orders.Arrivals)]) == arrival)
                {
                    await arrival;
                    arrival = queue.WaitAsync(stoppingToken);
                    continue;
                }

                foreach (var orders in waits)
                {
                    await orders.GatherAsync(arrival, time, stoppingToken);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // the process stops
        }
        finally
        {
            await device.RunAsync(() =>
            {
                running.AddRange(queue.Close());
                End([.. running]);
                asked.ForEach(orders => orders.Dispose());
            });
        }
    }

    // On the device thread: whoever waits for nobody is asked for, whoever has its answers goes on. What is still waited for; null: nothing is, and there is work.
    private IReadOnlyList<AskedOrders>? Turn()
    {
        End([.. running.Where(ticket => ticket.Cancellation.IsCancellationRequested)]);
        while (queue.Take(Room()) is { } next)
        {
            TakeUp(next);
        }

        active = running.Sum(ticket => ticket.Order.Count);
        foreach (var together in Idle().GroupBy(ticket => ticket.Model).ToArray())
        {
            Ask(together.Key, [.. together]);
        }

        foreach (var orders in asked.ToArray())
        {
            Take(orders, orders.Ready);
        }

        foreach (var orders in asked.Where(orders => orders.Waiting.Count == 0).ToArray())
        {
            asked.Remove(orders);
            orders.Dispose();
        }

        active = running.Sum(ticket => ticket.Order.Count);
        return running.Count > 0 && Idle().Any() ? null : [.. asked];
    }

    private IEnumerable<Ticket> Idle() => running.Where(ticket => !asked.Exists(orders => orders.Waiting.Contains(ticket)));

    private int Room()
    {
        var (all, idle) = (running.Sum(ticket => ticket.Order.Count), Idle().Sum(ticket => ticket.Order.Count));
        return idle == 0 && all < MostBatches * settings.MaxBatch ? int.MaxValue : Math.Min(settings.MaxBatch - idle, (MostBatches * settings.MaxBatch) - all);
    }

    private void TakeUp(Ticket ticket)
    {
        running.Add(ticket);
        if (ticket.Cancellation.IsCancellationRequested)
        {
            End([ticket]);
            return;
        }

        Guard(ticket, () =>
        {
            ticket.Pictures = ticket.Model.Begin(ticket.Order);
            ticket.Model.Sampler.Start(ticket.Pictures);
            FailRefused(ticket);
        });
    }

    private void Ask(ServedModel model, Ticket[] tickets)
    {
        foreach (var ticket in tickets)
        {
            var preview = ticket.Listener is not null && ticket.Order.PreviewAfter(ticket.StepsDone + 1) is not null;
            foreach (var picture in ticket.Due)
            {
                picture.WantsEstimate = preview;
            }
        }

        try
        {
            var step = model.Sampler.Ask([.. tickets.SelectMany(ticket => ticket.Due)]);
            foreach (var ticket in tickets)
            {
                FailRefused(ticket);
            }

            asked.Add(new AskedOrders(step, [.. tickets.Where(running.Contains)]));
        }
        catch (Exception e) when (tickets.Length > 1)
        {
            // Whoever is to blame fails alone: a step that failed has moved nobody.
            log.LogWarning(e, "A step of {Count} orders failed; each is stepped by itself", tickets.Length);
            foreach (var ticket in tickets)
            {
                Ask(model, [ticket]);
            }
        }
        catch (Exception e)
        {
            Fail(tickets[0], e);
        }
    }

    private void Take(AskedOrders orders, Ticket[] tickets)
    {
        if (tickets.Length == 0)
        {
            return;
        }

        var before = tickets.ToDictionary(ticket => ticket, ticket => ticket.StepsDone);
        try
        {
            Sampler.Take(orders.Step, [.. tickets.SelectMany(ticket => ticket.Due)]);
        }
        catch (Exception e) when (tickets.Length > 1)
        {
            log.LogWarning(e, "What experts said to {Count} orders could not be taken; each takes its own", tickets.Length);
            foreach (var ticket in tickets)
            {
                Take(orders, [ticket]);
            }

            return;
        }
        catch (Exception e)
        {
            Fail(tickets[0], e);
            return;
        }

        foreach (var ticket in tickets)
        {
            orders.Leave(ticket);
            if (ticket.StepsDone > before[ticket])
            {
                Guard(ticket, () => Tell(ticket));
            }

            if (running.Contains(ticket) && ticket.StepsDone == ticket.Order.Request.Steps)
            {
                Finish(ticket);
            }
        }
    }

    private void FailRefused(Ticket ticket)
    {
        if (ticket.Pictures.FirstOrDefault(picture => picture.Refusal is not null) is { Refusal: { } refusal })
        {
            Fail(ticket, refusal);
        }
    }

    private static void Tell(Ticket ticket)
    {
        var done = ticket.StepsDone;
        if (ticket.Order.PreviewAfter(done) is { } preview && ticket.Listener is not null)
        {
            for (var i = 0; i < ticket.Pictures.Count; i++)
            {
                using var image = ticket.Model.Sampler.Preview(ticket.Pictures[i]);
                ticket.Listener.Previewed(i, preview, Drawings.ToBytes(image)[0]);
            }
        }

        ticket.Listener?.Stepped(done, ticket.Order.Request.Steps);
    }

    private void Finish(Ticket ticket) => Guard(ticket, () =>
    {
        using var result = ticket.Model.Sampler.Finish(ticket.Pictures);
        var (model, order) = (ticket.Model.Loaded, ticket.Order);
        var prompts = order.Prompt is null ? null : Enumerable.Repeat<string?>(order.Prompt, order.Count).ToArray();
        var record = DrawingRecord.Of(model, order.Request, result, prompts, order.Negative);
        ticket.Complete(new DrawnOrder(Drawings.ToBytes(result.Images), model.Manifest.Channels, model.Manifest.ImageSize, record, ticket.Hosts()));
        End([ticket]);
    });

    private void Guard(Ticket ticket, Action action)
    {
        try
        {
            action();
        }
        catch (Exception e)
        {
            Fail(ticket, e); // told to who waits for it; the others go on
        }
    }

    private void Fail(Ticket ticket, Exception error)
    {
        ticket.Fail(error);
        End([ticket]);
    }

    private void End(Ticket[] tickets)
    {
        foreach (var ticket in tickets)
        {
            running.Remove(ticket);
            asked.ForEach(orders => orders.Leave(ticket));
            ticket.Dispose();
        }

        active = running.Sum(ticket => ticket.Order.Count);
    }
}
