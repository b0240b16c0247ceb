using Ddm.Services;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ddm.Serving;

/// <summary>
/// Draws what is asked for, step by step: between two steps orders join and leave. All tensors live on the one device thread; an order crosses the bounded queue and comes
/// back as bytes. Which pictures are stepped together leaves no trace in them (decision 014).
/// </summary>
internal sealed class DrawingEngine : BackgroundService
{
    private readonly DeviceThread device;
    private readonly ServingSettings settings;
    private readonly ILogger<DrawingEngine> log;
    private readonly OrderQueue queue;
    private readonly List<Ticket> running = []; // the device thread's
    private volatile int active;

    public DrawingEngine(DeviceThread device, ServingSettings settings, ILogger<DrawingEngine> log)
    {
        (this.device, this.settings, this.log) = (device, settings, log);
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
        var ticket = new Ticket(order, lease, listener, cancellation);
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
        try
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                if (active == 0)
                {
                    await queue.WaitAsync(stoppingToken);
                }

                await device.RunAsync(Turn);
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
            });
        }
    }

    // One step of everything, on the device thread.
    private void Turn()
    {
        End([.. running.Where(ticket => ticket.Cancellation.IsCancellationRequested)]);
        while (queue.Take(running.Count == 0 ? int.MaxValue : settings.MaxBatch - running.Sum(t => t.Order.Count)) is { } next)
        {
            TakeUp(next);
        }

        active = running.Sum(ticket => ticket.Order.Count);
        foreach (var together in running.GroupBy(ticket => ticket.Model).ToArray())
        {
            Step(together.Key, [.. together]);
        }

        foreach (var done in running.Where(ticket => ticket.Pictures[0].Done).ToArray())
        {
            Finish(done);
        }

        active = running.Sum(ticket => ticket.Order.Count);
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
            if (ticket.Pictures.FirstOrDefault(picture => picture.Refusal is not null) is { Refusal: { } refusal })
            {
                throw refusal;
            }
        });
    }

    private void Step(ServedModel model, Ticket[] tickets)
    {
        foreach (var ticket in tickets)
        {
            var preview = ticket.Listener is not null && ticket.Order.PreviewAfter(ticket.Pictures[0].StepsDone + 1) is not null;
            foreach (var picture in ticket.Pictures)
            {
                picture.WantsEstimate = preview;
            }
        }

        try
        {
            model.Sampler.Step([.. tickets.SelectMany(ticket => ticket.Pictures)]);
        }
        catch (Exception e) when (tickets.Length > 1)
        {
            // Whoever is to blame fails alone: a step that failed has moved nobody.
            log.LogWarning(e, "A step of {Count} orders failed; each is stepped by itself", tickets.Length);
            foreach (var ticket in tickets)
            {
                Guard(ticket, () => model.Sampler.Step(ticket.Pictures));
            }
        }
        catch (Exception e)
        {
            Fail(tickets[0], e);
        }

        foreach (var ticket in tickets.Where(running.Contains).ToArray())
        {
            Guard(ticket, () => Tell(ticket));
        }
    }

    private static void Tell(Ticket ticket)
    {
        var done = ticket.Pictures[0].StepsDone;
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
        ticket.Complete(new DrawnOrder(Drawings.ToBytes(result.Images), model.Manifest.Channels, model.Manifest.ImageSize, record));
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
            ticket.Dispose();
        }

        active = running.Sum(ticket => ticket.Order.Count);
    }
}
