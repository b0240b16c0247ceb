using Ddm.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Microsoft.Net.Http.Headers;

namespace Ddm.Services;

/// <summary><c>GET /runs/{name}/events</c>: a stream for who watches, pages of JSON for who asks.</summary>
internal static class EventsEndpoint
{
    private const string LastEventId = "Last-Event-ID";
    private const int Usual = 1000;
    private const int Most = 10_000;

    /// <summary>Maps it.</summary>
    public static void Map(IEndpointRouteBuilder run) => run.MapGet("/events", EventsAsync)
        .WithName("getRunEvents")
        .WithSummary("What happened in a run, and what happens")
        .WithDescription(
            "Server-sent events, unless 'Accept: application/json' asks for one page. Of type 'event' (an id and the event as JSON), 'status' (how the run stands, as getRun, whenever it has " +
            "changed) and 'end' (the run has ended; the stream closes, and going on from there answers 204). 'Last-Event-ID' goes on after an event; every event is told once. " +
            "As JSON 'after' takes the place of that header and 'limit' bounds the page; 'next' is the 'after' of the next page.")
        .Produces<EventPage>(StatusCodes.Status200OK, "application/json", "text/event-stream")
        .Produces(StatusCodes.Status204NoContent);

    private static async Task<IResult> EventsAsync(
        string name, string? after, HttpContext context, IBlobStore blobs, RunFactsCache facts, TimeProvider time, IHostApplicationLifetime lifetime, CancellationToken cancellationToken)
    {
        var feed = new RunEventFeed(blobs, name);
        var since = context.Request.Headers[LastEventId].ToString() is { Length: > 0 } header ? header : after;
        if (since is { Length: > 0 })
        {
            await feed.SkipToAsync(since, cancellationToken);
        }

        if (WantsJson(context.Request))
        {
            return await PageAsync(feed, since, QueryNumber.Read(context.Request, "limit", Usual, 1, Most), cancellationToken);
        }

        // An open stream must not keep the host from stopping: whoever watches comes again.
        using var open = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        return await EventStream.SendAsync(context.Response, feed, () => facts.GetAsync(name, open.Token), goesOn: since is { Length: > 0 }, time, open.Token)
            ? TypedResults.Empty
            : TypedResults.NoContent();
    }

    // What is too young to have its place is told too, and told again after 'next'.
    private static async Task<IResult> PageAsync(RunEventFeed feed, string? since, int limit, CancellationToken cancellationToken)
    {
        var settled = await feed.NextAsync(limit, cancellationToken);
        var young = settled.Count < limit ? await feed.UnsettledAsync(cancellationToken) : [];
        return TypedResults.Json(new EventPage([.. settled, .. young.Take(limit - settled.Count)], settled.Count > 0 ? settled[^1].Id : since), ControlPlaneApi.Json);
    }

    private static bool WantsJson(HttpRequest request) => MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out var accepted)
        && accepted.OrderByDescending(type => type.Quality ?? 1).FirstOrDefault(type => type.MediaType.Value is "application/json" or "text/event-stream")?.MediaType.Value == "application/json";
}

/// <summary>Some of a run's events.</summary>
/// <param name="Events">Oldest first.</param>
/// <param name="Next">The <c>after</c> of the next page; null: none has its place yet.</param>
public sealed record EventPage(IReadOnlyList<NumberedEvent> Events, string? Next);
