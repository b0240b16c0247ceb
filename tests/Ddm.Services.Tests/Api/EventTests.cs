using System.Net;
using System.Text.Json;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.Services.Tests.Api;

public class EventTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AWatcherIsToldEveryEventOnceAlsoWhereItsConnectionBreaks()
    {
        using var tiny = new TinyFolder();
        var blobs = new FileBlobStore(tiny.Home);
        await using var server = await ApiServer.StartAsync(blobs, tiny.Folder, cancellationToken: Token);
        (await server.Client.SubmitAsync(tiny.SpecText)).Dispose();

        // Hangs up after every third event and comes again with the last id.
        var (told, last, ended) = (new List<string>(), (string?)null, false);
        while (!ended)
        {
            var since = 0;
            await foreach (var (type, id, data) in server.StreamAsync("tiny", last))
            {
                ended |= type == "end";
                if (type != "event")
                {
                    continue;
                }

                last = id;
                told.Add(data.GetProperty("id").GetString()!);
                if (++since == 3)
                {
                    break;
                }
            }

            ended |= since == 0; // 204: nothing is left
        }

        var all = await RunEvents.ReadAsync(blobs, "tiny", Token);
        Assert.Equal(all.Count, told.Count);
        Assert.Equal(told.Distinct(), told);
        using var over = await server.Client.SendAsync(new HttpRequestMessage(HttpMethod.Get, "/runs/tiny/events") { Headers = { { "Last-Event-ID", last! } } }, Token);
        Assert.Equal(HttpStatusCode.NoContent, over.StatusCode);
    }

    [Fact]
    public async Task AWatcherSeesRolesMoveAndTheEnd()
    {
        using var tiny = new TinyFolder(TinyFolder.DefaultSpec.Replace("steps: 12", "steps: 150", StringComparison.Ordinal));
        await using var server = await ApiServer.StartAsync(new FileBlobStore(tiny.Home), tiny.Folder, cancellationToken: Token);
        (await server.Client.SubmitAsync(tiny.SpecText)).Dispose();

        var types = new List<string>();
        var steps = new List<long>();
        await foreach (var (type, _, data) in server.StreamAsync("tiny"))
        {
            types.Add(type);
            if (type == "status" && data.GetProperty("roles").GetArrayLength() > 0)
            {
                steps.Add(data.GetProperty("roles")[0].GetProperty("step").GetInt64());
            }
        }

        Assert.Equal("end", types[^1]);
        Assert.Equal(steps.Order(), steps);
        Assert.Equal(150, steps[^1]);
        Assert.Contains("event", types);
    }

    [Fact]
    public async Task PagesOfJsonTellEveryEventOnceInTheStoresOrderWhateverTheWritersClocksSay()
    {
        using var tiny = new TinyFolder();
        var blobs = new FileBlobStore(tiny.Home);
        await RunTests.AddAsync(blobs, "tiny", tiny);
        await using var server = await ApiServer.StartAsync(blobs, tiny.Folder, cancellationToken: Token);

        // The second writer's clock is a day behind, and its name comes first.
        await WriteAsync("2026010212-z-000001", 50, "first");
        await WriteAsync("2026010112-a-000001", 40, "second");
        await WriteAsync("2026010212-z-000002", 30, "third");
        var one = await PageAsync("?limit=2");
        Assert.Equal(["first", "second"], Texts(one));
        await WriteAsync("2026010112-a-000002", 20, "fourth");
        var two = await PageAsync($"?limit=2&after={one.GetProperty("next").GetString()}");
        Assert.Equal(["third", "fourth"], Texts(two));
        Assert.Empty(Texts(await PageAsync($"?after={two.GetProperty("next").GetString()}")));

        // Too young to have its place: it is told, and told again.
        await WriteAsync("2026010112-a-000003", 0, "young");
        var three = await PageAsync($"?after={two.GetProperty("next").GetString()}");
        Assert.Equal(["young"], Texts(three));
        Assert.Equal(two.GetProperty("next").GetString(), three.GetProperty("next").GetString());

        async Task WriteAsync(string id, int secondsAgo, string text)
        {
            var name = $"{BlobNames.Events("tiny")}{id}.jsonl";
            var line = JsonSerializer.SerializeToUtf8Bytes(new RunEvent(DateTimeOffset.UnixEpoch, id, RunEvent.Notice, text), BlobJson.Options);
            await blobs.TryWriteAsync(name, line, WriteCondition.Any, Token);
            File.SetLastWriteTimeUtc(Path.Combine(tiny.Home, name), DateTime.UtcNow.AddSeconds(-secondsAgo));
        }

        async Task<JsonElement> PageAsync(string query)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/runs/tiny/events" + query) { Headers = { { "Accept", "application/json" } } };
            using var answer = await server.Client.SendAsync(request, Token);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            return await answer.JsonAsync();
        }

        static IEnumerable<string?> Texts(JsonElement page) => page.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("text").GetString());
    }

    [Fact]
    public async Task AnOpenStreamDoesNotKeepTheHostFromStopping()
    {
        using var tiny = new TinyFolder();
        var blobs = new FileBlobStore(tiny.Home);
        await RunTests.AddAsync(blobs, "tiny", tiny);
        var server = await ApiServer.StartAsync(blobs, tiny.Folder, cancellationToken: Token);
        await using var stream = server.StreamAsync("tiny").GetAsyncEnumerator(Token);
        Assert.True(await stream.MoveNextAsync());

        var stopping = server.StopAsync();
        while (await stream.MoveNextAsync())
        {
            // what was on its way
        }

        await stopping.WaitAsync(TimeSpan.FromSeconds(10), Token);
        await server.DisposeAsync();
    }
}
