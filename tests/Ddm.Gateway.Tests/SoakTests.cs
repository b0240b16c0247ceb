using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using Ddm.Services;
using Ddm.Tests;

namespace Ddm.Gateway.Tests;

/// <summary>Many requests while versions change: of ten, two are wrong in one of many ways, one is hung up on and one is a job that is taken back.</summary>
public class SoakTests(TinyModel model)
{
    private const int Clients = 24;
    private const int Versions = 10;
    private const string Path = "/v1/images/generations";
    private const string Jobs = "/v1/images/jobs";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public Task ThreeHundredRequestsLeaveNothingBehind() => SoakAsync(300, TimeSpan.FromSeconds(90));

    [Fact]
    [Trait("Category", "Long")]
    public async Task TenThousandRequestsLeaveNothingBehind()
    {
        var memory = await SoakAsync(10_000, TimeSpan.FromMinutes(20));

        Assert.True(memory[^1] < memory[1] * 1.1, $"memory grew: {string.Join(", ", memory)}");
    }

    /// <returns>Bytes of the process at every tenth of the way.</returns>
    private async Task<IReadOnlyList<long>> SoakAsync(int requests, TimeSpan longest)
    {
        await using var gateway = await GatewayServer.StartAsync(
            model, ("Ddm:Gateway:RequestsPerMinute", "1000000"), ("Ddm:Gateway:MaxWaiting", "1000"), ("Ddm:WrongKeysPerMinute", "1000000"));
        gateway.Log.OnlyErrors = true; // the memory is the server's, not the test's
        var tally = new Tally();
        var next = 0;
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async _ =>
        {
            while (Interlocked.Increment(ref next) is var i && i <= requests)
            {
                if (i % (requests / Versions) == 0)
                {
                    await TakeMarkAsync(gateway, tally, i);
                }

                await ((i % 10) switch
                {
                    1 => SendMistakeAsync(gateway, tally, i / 10),
                    3 => SendOtherBadAsync(gateway, tally, i / 10),
                    5 => TakeBackAsync(gateway, tally),
                    7 => HangUpAsync(gateway, tally, i),
                    _ => DrawAsync(gateway, tally, i),
                });
            }
        })).WaitAsync(longest, Token);

        await Waiting.ForAsync("nothing left", TimeSpan.FromSeconds(20), async token => gateway.Engine is { Active: 0, Waiting: 0 } && await GaugesAreZeroAsync(gateway, token), () => $"{gateway.Engine.Active} active");
        await Waiting.ForAsync("no job left", TimeSpan.FromSeconds(20), async token => !await gateway.Blobs.ListAsync(Runs.BlobNames.ImageQueue, token).AnyAsync(token));
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{tally.Drawn} drawn by {tally.Pictures.Keys.Select(key => key.Version).Distinct().Count()} versions, {tally.Refused} refused, {tally.HungUp} hung up, {tally.TakenBack} jobs taken back; "
            + $"memory {string.Join(", ", tally.Memory.Select(bytes => bytes >> 20))} MB");
        Assert.Equal(2 * requests / 10, tally.Refused);
        Assert.Equal(requests / 10, tally.TakenBack);
        Assert.True(tally.Drawn >= 6 * requests / 10);
        Assert.True(tally.Pictures.Keys.Select(key => key.Version).Distinct().Count() >= 2, "versions did not change under load");
        Assert.All(tally.Pictures.Values, drawn => Assert.Single(drawn)); // of one version, seed and settings: one picture
        foreach (var of in gateway.Log.Lines.Where(line => line.Contains("Exception", StringComparison.Ordinal)).GroupBy(line => line[..Math.Min(line.Length, 160)]))
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"{of.Count()} times: {of.First()}"); // the server's own words on clients that are gone
        }

        Assert.Empty(gateway.Log.Lines.Where(line => line.StartsWith("Ddm.", StringComparison.Ordinal) && line.Contains("Exception", StringComparison.Ordinal)).Take(3));
        return [.. tally.Memory];
    }

    // A version takes over: the same weights under another name and, in turn, another strategy.
    private static async Task TakeMarkAsync(GatewayServer gateway, Tally tally, int i)
    {
        GC.Collect();
        tally.Memory.Enqueue(Environment.WorkingSet);
        var catalog = TinyModel.Catalog(gateway.Blobs);
        var manifest = (await catalog.FindPublishedAsync(TinyModel.Name, Token))!;
        await new Publication(gateway.Blobs, catalog).PublishAsync(manifest with { Version = $"after-{i}", Routing = manifest.Routing == "full" ? "ancestral" : "full" }, Token);
    }

    private static async Task DrawAsync(GatewayServer gateway, Tally tally, int i)
    {
        var (n, steps, label) = (1 + (i % 3), 1 + (i % 4), i % 2);
        var answer = await gateway.DrawAsync(new { class_label = label, n, num_inference_steps = steps, seed = 5 });
        var files = answer.GetProperty("data").EnumerateArray().Select(picture => picture.GetProperty("b64_json").GetString()!);
        tally.Pictures.GetOrAdd((answer.GetProperty("model_sha256").GetString()!, label, steps), _ => []).TryAdd(files.First(), 0);
        Assert.Equal(n, answer.GetProperty("data").GetArrayLength());
        Tally.Note(ref tally.Drawn);
    }

    private static async Task SendMistakeAsync(GatewayServer gateway, Tally tally, int turn)
    {
        var mistakes = BadInputTests.Mistakes();
        var (body, param, code, _) = mistakes[turn % mistakes.Length];
        using var response = await gateway.SendTextAsync(body);
        var error = await GatewayServer.ErrorAsync(response, HttpStatusCode.BadRequest);
        Assert.Equal((param, code), (error.Param, error.Code));
        Tally.Note(ref tally.Refused);
    }

    private static async Task SendOtherBadAsync(GatewayServer gateway, Tally tally, int turn)
    {
        const string Good = """{"prompt": "1"}""";
        var (method, path, content, key, status) = (turn % 12) switch
        {
            0 => (HttpMethod.Post, Path, Text(Good), "wrong", HttpStatusCode.Unauthorized),
            1 => (HttpMethod.Post, Path, Text(Good), null, HttpStatusCode.Unauthorized),
            2 => (HttpMethod.Post, $"{Path}?api_key={GatewayServer.Key}", Text(Good), null, HttpStatusCode.Unauthorized),
            3 => (HttpMethod.Post, Path, Text(Good), "a-key-for-runs-and-nothing-else", HttpStatusCode.Forbidden),
            4 => (HttpMethod.Post, Path, Text("""{"prompt": "1", "model": "nope"}"""), GatewayServer.Key, HttpStatusCode.NotFound),
            5 => (HttpMethod.Post, Path, Text(Good, "text/plain"), GatewayServer.Key, HttpStatusCode.UnsupportedMediaType),
            6 => (HttpMethod.Post, Path, Packed(), GatewayServer.Key, HttpStatusCode.UnsupportedMediaType),
            7 => (HttpMethod.Post, Path, Text(new string(' ', 70_000)), GatewayServer.Key, HttpStatusCode.RequestEntityTooLarge),
            8 => (HttpMethod.Get, $"{Jobs}/0-0", null, GatewayServer.Key, HttpStatusCode.NotFound),
            9 => (HttpMethod.Get, "/v1/images/files/0-0/0.png?expires=99999999999&signature=00", null, null, HttpStatusCode.Forbidden),
            10 => (HttpMethod.Get, Path, null, GatewayServer.Key, HttpStatusCode.MethodNotAllowed),
            _ => (HttpMethod.Post, $"{Jobs}/0-0/cancel", (HttpContent?)null, (string?)GatewayServer.Key, HttpStatusCode.NotFound),
        };
        using var client = gateway.ClientOf(key);
        using var request = new HttpRequestMessage(method, path) { Content = content };
        using var response = await client.SendAsync(request, Token);
        await GatewayServer.ErrorAsync(response, status);
        Tally.Note(ref tally.Refused);
    }

    private static async Task TakeBackAsync(GatewayServer gateway, Tally tally)
    {
        using var submitted = await gateway.Client.PostAsJsonAsync(Jobs, new { prompt = "1", num_inference_steps = 500 }, Token);
        var job = await GatewayServer.JsonAsync(submitted, HttpStatusCode.Accepted);
        using var cancelled = await gateway.Client.PostAsync($"{job.GetProperty("poll_url").GetString()}/cancel", null, Token);
        Assert.True(cancelled.StatusCode is HttpStatusCode.OK or HttpStatusCode.Conflict, $"{cancelled.StatusCode}");
        Tally.Note(ref tally.TakenBack);
    }

    // In the middle of the headers, of the body, or of the drawing.
    private static async Task HangUpAsync(GatewayServer gateway, Tally tally, int i)
    {
        if (i % 4 == 3)
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
            patience.CancelAfter(i % 40);
            try
            {
                using var response = await gateway.SendAsync(new { prompt = "1", num_inference_steps = 200 }, patience.Token);
            }
            catch (OperationCanceledException) when (!Token.IsCancellationRequested)
            {
                Tally.Note(ref tally.HungUp);
            }

            return;
        }

        using var socket = new TcpClient();
        await socket.ConnectAsync(gateway.Host.Address.Host, gateway.Host.Address.Port, Token);
        var head = $"POST {Path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {GatewayServer.Key}\r\nContent-Type: application/json\r\n";
        await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(i % 8 == 1 ? head : head + "Content-Length: 500\r\n\r\n{\"prompt\""), Token);
        Tally.Note(ref tally.HungUp);
    }

    private static StringContent Text(string body, string type = "application/json") => new(body, Encoding.UTF8, type);

    private static ByteArrayContent Packed() => new([0x1F, 0x8B, 8, 0]) { Headers = { { "Content-Type", "application/json" }, { "Content-Encoding", "gzip" } } };

    private static async Task<bool> GaugesAreZeroAsync(GatewayServer gateway, CancellationToken cancellationToken)
    {
        var lines = (await gateway.Client.GetStringAsync("/metrics", cancellationToken)).Split('\n').Where(line => line.StartsWith("ddm_gateway_active", StringComparison.Ordinal) || line.StartsWith("ddm_gateway_waiting", StringComparison.Ordinal));
        return lines.All(line => line.Split(' ')[1] == "0");
    }

    private sealed class Tally
    {
        public int Drawn, Refused, HungUp, TakenBack;

        public ConcurrentQueue<long> Memory { get; } = new();

        public ConcurrentDictionary<(string Version, int Label, int Steps), ConcurrentDictionary<string, byte>> Pictures { get; } = new();

        public static void Note(ref int count) => Interlocked.Increment(ref count);
    }
}
