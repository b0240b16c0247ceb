using Microsoft.AspNetCore.Http;

namespace Ddm.Serving;

/// <summary>Draws one request: takes it to the engine, within its deadline, and writes down how it ended.</summary>
internal sealed class Generation(DrawingEngine engine, AuditLog audit, ServingSettings settings, TimeProvider time)
{
    private const int BusySeconds = 5;

    /// <summary>Draws it. The lease becomes the engine's.</summary>
    /// <param name="key">Who asks.</param>
    /// <param name="request">What for.</param>
    /// <param name="lease">Of which version.</param>
    /// <param name="listener">Told how it goes.</param>
    /// <param name="cancellation">Nobody waits any more.</param>
    /// <exception cref="GatewayException">There is no room (429), or the deadline has passed (504).</exception>
    public async Task<DrawnOrder> DrawAsync(string key, GenerationRequest request, ModelLease lease, IOrderListener? listener, CancellationToken cancellation)
    {
        var (began, model, status) = (time.GetTimestamp(), lease.Model, StatusCodes.Status500InternalServerError);
        using var activity = ServingTelemetry.Begin(request.Order, model);
        using var deadline = new CancellationTokenSource(request.Deadline ?? settings.Deadline, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
        try
        {
            var ticket = engine.TrySubmit(request.Order, lease, listener, either.Token)
                ?? throw GatewayException.Busy(FormattableString.Invariant($"{settings.MaxWaiting} requests wait already. Try again in a while."), BusySeconds);
            var drawn = await ticket.Result;
            status = StatusCodes.Status200OK;
            ServingTelemetry.Drawn(drawn.Record);
            return drawn;
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new GatewayException(status = StatusCodes.Status504GatewayTimeout, "The deadline has passed before the pictures were done. Ask for less, or give more 'deadline_seconds'.", null, "deadline_exceeded");
        }
        catch (Exception e)
        {
            status = cancellation.IsCancellationRequested ? StatusCodes.Status499ClientClosedRequest : GatewayErrors.Answer(e).Status;
            throw;
        }
        finally
        {
            var took = time.GetElapsedTime(began);
            audit.Write(key, request, model, status, took);
            ServingTelemetry.Ended(status, took);
        }
    }
}
