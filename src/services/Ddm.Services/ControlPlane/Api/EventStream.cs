using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Ddm.Services;

/// <summary>A run's events as server-sent events (the WHATWG's HTML standard, 9.2).</summary>
internal static class EventStream
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan BeatEvery = TimeSpan.FromSeconds(15);
    private const int Most = 1000;

    /// <summary>Sends until the run has ended and everything is told, or the caller is gone.</summary>
    /// <param name="response">Where to.</param>
    /// <param name="feed">The events.</param>
    /// <param name="look">Reads how the run stands.</param>
    /// <param name="goesOn">Whether the caller was told something before.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the stream.</param>
    /// <returns>False, and nothing was sent, where a caller who goes on has been told everything of a run that has ended.</returns>
    public static async Task<bool> SendAsync(
        HttpResponse response, RunEventFeed feed, Func<Task<RunFacts>> look, bool goesOn, TimeProvider time, CancellationToken cancellationToken)
    {
        var facts = await look();
        var events = await feed.NextAsync(Most, cancellationToken);
        if (goesOn && facts.HasEnded && events.Count == 0 && (await feed.UnsettledAsync(cancellationToken)).Count == 0)
        {
            return false;
        }

        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store";
        response.Headers["X-Accel-Buffering"] = "no"; // proxies pass each message on at once
        response.HttpContext.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        try
        {
            await SendAsync(response, feed, look, facts, events, time, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // the caller is gone, or this process stops
        }

        return true;
    }

    private static async Task SendAsync(
        HttpResponse response, RunEventFeed feed, Func<Task<RunFacts>> look, RunFacts facts, IReadOnlyList<NumberedEvent> events, TimeProvider time, CancellationToken cancellationToken)
    {
        string? shown = null;
        DateTimeOffset? ended = null;
        var spoke = time.GetTimestamp();
        while (true)
        {
            foreach (var e in events)
            {
                await WriteAsync(response, StreamMessage.Event, e.Id, e, cancellationToken);
            }

            var standing = JsonSerializer.Serialize(facts with { Now = default }, ControlPlaneApi.Json);
            var changed = standing != shown;
            if (changed)
            {
                // The last event is written after the decision that it tells of: where the end was seen to come, it is waited for.
                ended = !facts.HasEnded ? null : shown is null ? facts.Now - RunEventFeed.Settle : facts.Now;
                await WriteAsync(response, StreamMessage.Status, null, facts, cancellationToken);
                shown = standing;
            }

            if (changed || events.Count > 0)
            {
                spoke = time.GetTimestamp();
            }
            else if (time.GetElapsedTime(spoke) >= BeatEvery)
            {
                spoke = time.GetTimestamp();
                await response.WriteAsync(": still here\n\n", cancellationToken); // whoever hears nothing for long may hang up
            }

            if (facts.Now - ended >= RunEventFeed.Settle && events.Count == 0 && (await feed.UnsettledAsync(cancellationToken)).Count == 0)
            {
                await WriteAsync(response, StreamMessage.End, null, new { facts.Status }, cancellationToken);
                return;
            }

            await response.Body.FlushAsync(cancellationToken);
            await Task.Delay(LookEvery, time, cancellationToken);
            facts = await look();
            events = await feed.NextAsync(Most, cancellationToken);
        }
    }

    // JSON on one line, so that no line break has to be escaped.
    private static Task WriteAsync<T>(HttpResponse response, string type, string? id, T data, CancellationToken cancellationToken)
        => response.WriteAsync($"{(id is null ? "" : $"id: {id}\n")}event: {type}\ndata: {JsonSerializer.Serialize(data, ControlPlaneApi.Json)}\n\n", cancellationToken);
}
