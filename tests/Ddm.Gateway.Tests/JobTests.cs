using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Ddm.Runs;
using Ddm.Serving;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.Gateway.Tests;

/// <summary>Jobs: submitted, looked at, cancelled, kept over a restart, gone after their time.</summary>
public class JobTests(TinyModel model)
{
    private const string Path = "/v1/images/jobs";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AJobIsSubmittedLookedAtAndAnswered()
    {
        await using var gateway = await GatewayServer.StartAsync(model);
        using var submitted = await gateway.Client.PostAsJsonAsync(Path, new { prompt = "1", seed = 5, n = 2 }, Token);
        var job = await GatewayServer.JsonAsync(submitted, HttpStatusCode.Accepted);
        Assert.Equal(job.GetProperty("poll_url").GetString(), submitted.Headers.Location!.ToString());

        var ended = await EndAsync(gateway, job);

        Assert.Equal("completed", ended.GetProperty("status").GetString());
        Assert.Equal(4, ended.GetProperty("steps_done").GetInt32());
        var direct = await gateway.DrawAsync(new { prompt = "1", seed = 5, n = 2 });
        Assert.Equal(Files(direct), Files(ended.GetProperty("result")));
        using var stranger = gateway.ClientOf(GatewayServer.OtherKey);
        foreach (var response in new[] { await stranger.GetAsync(job.GetProperty("poll_url").GetString(), Token), await gateway.Client.GetAsync($"{Path}/no-such-job", Token) })
        {
            Assert.Equal("job_not_found", (await GatewayServer.ErrorAsync(response, HttpStatusCode.NotFound)).Code);
            response.Dispose();
        }

        using var late = await gateway.Client.PostAsync($"{Path}/{job.GetProperty("id").GetString()}/cancel", null, Token);
        Assert.Equal("job_ended", (await GatewayServer.ErrorAsync(late, HttpStatusCode.Conflict)).Code);
    }

    [Fact]
    public async Task ACancelledJobStopsAndAWaitingOneIsTakenOutOfTheQueue()
    {
        await using var gateway = await GatewayServer.StartAsync(model, ("Ddm:Gateway:JobsAtOnce", "1"));
        var first = await SubmitAsync(gateway, BadInputTests.Slow);
        await Waiting.ForAsync("drawing", TimeSpan.FromSeconds(20), _ => Task.FromResult(gateway.Engine.Active > 0));
        var second = await SubmitAsync(gateway, new { prompt = "1" });
        Assert.Equal("queued", second.GetProperty("status").GetString());
        Assert.Equal(1, second.GetProperty("position").GetInt32());

        foreach (var job in new[] { second, first })
        {
            using var response = await gateway.Client.PostAsync($"{Path}/{job.GetProperty("id").GetString()}/cancel", null, Token);
            Assert.Equal("cancelled", (await GatewayServer.JsonAsync(response, HttpStatusCode.OK)).GetProperty("status").GetString());
        }

        await Waiting.ForAsync("nothing drawn", TimeSpan.FromSeconds(5), _ => Task.FromResult(gateway.Engine.Active == 0));
        Assert.Equal("cancelled", (await EndAsync(gateway, second)).GetProperty("status").GetString());
        Assert.Equal("completed", (await EndAsync(gateway, await SubmitAsync(gateway, new { prompt = "1" }))).GetProperty("status").GetString());
        await Waiting.ForAsync("an empty queue", TimeSpan.FromSeconds(5), async _ => (await ListAsync(gateway, BlobNames.ImageQueue)).Count == 0);
    }

    /// <summary>The process goes in the middle of one job and before another; the next process draws both, as they would have been.</summary>
    [Fact]
    public async Task ARestartLosesNothing()
    {
        var home = model.CopyHome();
        JsonElement slow, waiting;
        await using (var before = await GatewayServer.StartAsync(home, ownsHome: false, ("Ddm:Gateway:JobsAtOnce", "1")))
        {
            var body = new Dictionary<string, object>(BadInputTests.Slow) { ["num_inference_steps"] = 200, ["n"] = 2, ["seed"] = 9 };
            slow = await SubmitAsync(before, body);
            await Waiting.ForAsync("drawing", TimeSpan.FromSeconds(20), _ => Task.FromResult(before.Engine.Active > 0));
            waiting = await SubmitAsync(before, new { prompt = "0" });
        }

        await using var after = await GatewayServer.StartAsync(home, ownsHome: true);
        Assert.Equal("completed", (await EndAsync(after, slow)).GetProperty("status").GetString());
        var drawn = await EndAsync(after, waiting);
        Assert.Equal("completed", drawn.GetProperty("status").GetString());
        var seed = drawn.GetProperty("result").GetProperty("data")[0].GetProperty("seed").GetInt64();
        Assert.Equal(Files(await after.DrawAsync(new { prompt = "0", seed })), Files(drawn.GetProperty("result")));
    }

    /// <summary>A replica that died with a job: nobody put it back, and its lease runs out. A job that ends every replica is given up.</summary>
    [Fact]
    public async Task AnotherReplicaTakesASilentOnesJobAndAnswersForItAndAfterThreeItIsGivenUp()
    {
        var home = model.CopyHome();
        await using var one = await GatewayServer.StartAsync(home, ownsHome: true, ("Ddm:Gateway:JobLease", "00:00:01"));
        var job = await SubmitAsync(one, new { prompt = "1", seed = 1 });
        var ended = await EndAsync(one, job);
        await LeaveAsync(one, job, attempts: 1);
        await using var two = await GatewayServer.StartAsync(home, ownsHome: false, ("Ddm:Gateway:JobLease", "00:00:01"));

        Assert.Equal(Files(ended.GetProperty("result")), Files((await EndAsync(two, job)).GetProperty("result")));

        await LeaveAsync(one, job, attempts: 3);
        var failed = await EndAsync(two, job);
        Assert.Equal("failed", failed.GetProperty("status").GetString());
        Assert.Equal("attempts_exhausted", failed.GetProperty("error").GetProperty("code").GetString());
    }

    [Fact]
    public async Task TheSameKeyIsTheSameJobAndAnotherBodyAConflict()
    {
        await using var gateway = await GatewayServer.StartAsync(model);
        var twice = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => KeyedAsync(gateway, "/v1/images/generations", """{"prompt": "1"}""", "again")));

        var pictures = new List<string>();
        foreach (var response in twice)
        {
            pictures.AddRange(Files(await GatewayServer.JsonAsync(response, HttpStatusCode.OK)));
            response.Dispose();
        }

        Assert.Single(pictures.Distinct()); // a random seed, drawn once
        Assert.Single(await ListAsync(gateway, BlobNames.ImageJobs));
        using var other = await KeyedAsync(gateway, "/v1/images/generations", """{"prompt": "0"}""", "again");
        Assert.Equal("idempotency_key_reused", (await GatewayServer.ErrorAsync(other, HttpStatusCode.Conflict)).Code);
        using var job = await KeyedAsync(gateway, Path, """{"prompt": "1"}""", "again");
        Assert.Equal(HttpStatusCode.Accepted, job.StatusCode);
        Assert.Single(await ListAsync(gateway, BlobNames.ImageJobs));
    }

    [Fact]
    public async Task AJobIsGoneAfterItsTimeAndAFullQueueSaysSo()
    {
        await using var gateway = await GatewayServer.StartAsync(model, ("Ddm:Gateway:KeepJobs", "00:00:01"), ("Ddm:Gateway:MaxJobs", "2"), ("Ddm:Gateway:JobsAtOnce", "1"));
        var job = await SubmitAsync(gateway, new { prompt = "1" });
        await Waiting.ForAsync("gone", TimeSpan.FromSeconds(20), async _ =>
        {
            using var response = await gateway.Client.GetAsync(job.GetProperty("poll_url").GetString(), Token);
            return response.StatusCode == HttpStatusCode.Gone;
        });

        var slow = new[] { await SubmitAsync(gateway, BadInputTests.Slow), await SubmitAsync(gateway, BadInputTests.Slow) };
        using var full = await gateway.Client.PostAsJsonAsync(Path, new { prompt = "1" }, Token);
        Assert.Equal("queue_full", (await GatewayServer.ErrorAsync(full, HttpStatusCode.TooManyRequests)).Code);
        Assert.NotNull(full.Headers.RetryAfter);
        foreach (var one in slow)
        {
            using var cancelled = await gateway.Client.PostAsync($"{Path}/{one.GetProperty("id").GetString()}/cancel", null, Token);
            Assert.Equal(HttpStatusCode.OK, cancelled.StatusCode);
        }
    }

    // As a replica leaves it that dies while it draws.
    private static async Task LeaveAsync(GatewayServer gateway, JsonElement job, int attempts)
    {
        var id = job.GetProperty("id").GetString()!;
        var (ended, etag) = (await gateway.Blobs.ReadJsonAsync<ImageJob>(BlobNames.ImageJob(id), Token))!.Value;
        var left = ended with { State = JobState.Running, Runner = "a-dead-replica", Attempts = attempts, Answer = null, Files = [], FinishedAt = null, ExpiresAt = null };
        await gateway.Blobs.TryWriteJsonAsync(BlobNames.ImageJob(id), left, WriteCondition.IfMatch(etag), Token);
        await gateway.Blobs.TryWriteAsync(BlobNames.ImageQueued(id), "{}"u8.ToArray(), WriteCondition.Any, Token);
    }

    private static async Task<JsonElement> SubmitAsync(GatewayServer gateway, object body)
    {
        using var response = await gateway.Client.PostAsJsonAsync(Path, body, Token);
        return await GatewayServer.JsonAsync(response, HttpStatusCode.Accepted);
    }

    private static async Task<HttpResponseMessage> KeyedAsync(GatewayServer gateway, string path, string body, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json"),
            Headers = { { "Idempotency-Key", key } },
        };
        return await gateway.Client.SendAsync(request, Token);
    }

    private static async Task<JsonElement> EndAsync(GatewayServer gateway, JsonElement job)
    {
        JsonElement last = default;
        await Waiting.ForAsync("the job's end", TimeSpan.FromSeconds(40), async _ =>
        {
            using var response = await gateway.Client.GetAsync(job.GetProperty("poll_url").GetString(), Token);
            last = await GatewayServer.JsonAsync(response, HttpStatusCode.OK);
            return last.GetProperty("status").GetString() is not ("queued" or "running");
        }, () => last.ToString());
        return last;
    }

    private static string[] Files(JsonElement answer) => [.. answer.GetProperty("data").EnumerateArray().Select(picture => picture.GetProperty("b64_json").GetString()!)];

    private static async Task<IReadOnlyList<string>> ListAsync(GatewayServer gateway, string prefix)
    {
        var names = new List<string>();
        await foreach (var blob in gateway.Blobs.ListAsync(prefix, Token))
        {
            names.Add(blob.Name);
        }

        return names;
    }
}
