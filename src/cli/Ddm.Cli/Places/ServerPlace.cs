using System.Net;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Ddm.Services;
using Ddm.Storage;

namespace Ddm.Cli;

/// <summary>A control plane: see <c>docs/api.md</c>.</summary>
internal sealed class ServerPlace(ServerClient server) : IRunPlace
{
    private const int PageSize = 10_000;

    public async Task<IReadOnlyList<RunFacts>> AllAsync(CancellationToken cancellationToken)
    {
        var facts = new List<RunFacts>();
        for (string? after = ""; after is not null;)
        {
            var page = await server.GetAsync<RunPage>($"/runs?limit=100&after={after}", cancellationToken);
            facts.AddRange(page.Runs);
            foreach (var (run, reason) in page.Damaged ?? []) // a server of before has none
            {
                await Console.Error.WriteLineAsync($"Run '{run}' cannot be read: {reason}");
            }

            after = page.Next;
        }

        return facts;
    }

    public Task<RunFacts> InspectAsync(string run, CancellationToken cancellationToken) => server.GetAsync<RunFacts>(PathOf(run), cancellationToken);

    public async Task<IReadOnlyList<RunEvent>> EventsAsync(string run, CancellationToken cancellationToken)
    {
        var (events, after) = (new List<NumberedEvent>(), "");
        while (true)
        {
            var page = await server.GetAsync<EventPage>($"{PathOf(run, "events")}?limit={PageSize}&after={Uri.EscapeDataString(after)}", cancellationToken);
            events.AddRange(page.Events);
            if (page.Events.Count < PageSize || page.Next is null)
            {
                return [.. events.DistinctBy(e => e.Id).Select(e => e.ToEvent()).OrderBy(e => e.At)];
            }

            after = page.Next;
        }
    }

    public Task<IReadOnlyList<RoleCurve>> MetricsAsync(string run, CancellationToken cancellationToken)
        => server.GetAsync<IReadOnlyList<RoleCurve>>(PathOf(run, "metrics"), cancellationToken);

    public Task<RunFacts> ActAsync(RunAction action, string run, CancellationToken cancellationToken)
        => server.PostAsync<RunFacts>(PathOf(run, action.ToString().ToLowerInvariant()), null, cancellationToken);

    public string? WhatElse(RunAction action) => null;

    // A server that cannot be reached at first is an error; one that was there is waited for.
    public async IAsyncEnumerable<RunSighting> WatchAsync(string run, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (last, known, patience) = ((string?)null, false, new Backoff());
        while (true)
        {
            await using var messages = MessagesAsync(run, last, cancellationToken).GetAsyncEnumerator(cancellationToken);
            string? lost = null;
            while (lost is null)
            {
                SseItem<string>? message = null;
                try
                {
                    message = await messages.MoveNextAsync() ? messages.Current : null;
                }
                catch (IOException e) when (known)
                {
                    lost = e.Message;
                    break;
                }

                if (message is not { } told)
                {
                    lost = "the server closed the connection";
                    break;
                }

                if (told.EventType == StreamMessage.End)
                {
                    yield break;
                }

                if (told.EventId is { Length: > 0 } id)
                {
                    last = id;
                }

                if (patience.Reset())
                {
                    yield return new RunSighting.Note("connected again");
                }

                // Events before the first state are the past, which is for 'ddm events'.
                if (told.EventType == StreamMessage.Status)
                {
                    known = true;
                    yield return new RunSighting.Standing(Read<RunFacts>(told.Data));
                }
                else if (told.EventType == StreamMessage.Event && known)
                {
                    yield return new RunSighting.Happening(Read<NumberedEvent>(told.Data).ToEvent());
                }
            }

            if (patience.First)
            {
                yield return new RunSighting.Note($"{lost}; trying again until it answers");
            }

            await patience.WaitAsync(cancellationToken);
            if ((await TryInspectAsync(run, cancellationToken)) is { HasEnded: true } facts)
            {
                yield return new RunSighting.Standing(facts); // it ended while nobody listened
                yield break;
            }
        }
    }

    public void Dispose() => server.Dispose();

    private async Task<RunFacts?> TryInspectAsync(string run, CancellationToken cancellationToken)
    {
        try
        {
            return await InspectAsync(run, cancellationToken);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private async IAsyncEnumerable<SseItem<string>> MessagesAsync(string run, string? last, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var response = await server.OpenStreamAsync(PathOf(run, "events"), last, cancellationToken);
        if (response.StatusCode == HttpStatusCode.NoContent)
        {
            yield break;
        }

        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        await using var lively = new LivelyStream(body, server.Address);
        await foreach (var item in SseParser.Create(lively, (_, bytes) => Encoding.UTF8.GetString(bytes)).EnumerateAsync(cancellationToken))
        {
            yield return item;
        }
    }

    private static T Read<T>(string json) => JsonSerializer.Deserialize<T>(json, BlobJson.Options) ?? throw new InvalidDataException("The server sent null.");

    private static string PathOf(string run, string? what = null) => $"/runs/{Uri.EscapeDataString(run)}{(what is null ? "" : "/" + what)}";
}
