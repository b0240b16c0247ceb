using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Ddm.Tests;

namespace Ddm.Gateway.Tests;

/// <summary>Every answer names the process that drew and exactly one version of the model.</summary>
public class ServedByTests(TinyModel model)
{
    private const string ServedBy = "X-Ddm-Served-By", Version = "X-Ddm-Model";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnAnswerDoes()
    {
        await using var gateway = await GatewayServer.StartAsync(model);
        using var response = await gateway.SendAsync(new { prompt = "1", seed = 3 });

        RequireNames(response, await GatewayServer.JsonAsync(response, HttpStatusCode.OK));
    }

    [Fact]
    public async Task EveryEventOfAStreamDoes()
    {
        await using var gateway = await GatewayServer.StartAsync(model);
        using var response = await gateway.SendAsync(new { prompt = "1", seed = 3, n = 2, stream = true, partial_images = 1 });

        var text = await response.Content.ReadAsStringAsync(Token);
        JsonElement[] events = [.. text.Split('\n').Where(line => line.StartsWith("data: ", StringComparison.Ordinal)).Select(line => JsonDocument.Parse(line[6..]).RootElement)];
        Assert.Equal(4, events.Length); // an estimate and an end of each
        Assert.All(events, one => RequireNames(response, one));
    }

    [Fact]
    public async Task AJobAndWhatAnIdempotencyKeyRepeatsDo()
    {
        await using var gateway = await GatewayServer.StartAsync(model);
        using var submitted = await gateway.Client.PostAsJsonAsync("/v1/images/jobs", new { prompt = "1", seed = 3 }, Token);
        var url = (await GatewayServer.JsonAsync(submitted, HttpStatusCode.Accepted)).GetProperty("poll_url").GetString();
        JsonElement job = default;
        await Waiting.ForAsync("the job's end", TimeSpan.FromSeconds(40), async _ =>
        {
            using var response = await gateway.Client.GetAsync(url, Token);
            job = await GatewayServer.JsonAsync(response, HttpStatusCode.OK);
            return job.GetProperty("status").GetString() == "completed";
        });
        for (var i = 0; i < 2; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/images/generations") { Content = JsonContent.Create(new { prompt = "1", seed = 3 }), Headers = { { "Idempotency-Key", "once" } } };
            using var response = await gateway.Client.SendAsync(request, Token);
            var answer = await GatewayServer.JsonAsync(response, HttpStatusCode.OK);
            RequireNames(response, answer);
            Assert.Equal(answer.GetProperty("served_by").GetString(), job.GetProperty("served_by").GetString());
            Assert.Equal(answer.GetProperty("served_by").GetString(), job.GetProperty("result").GetProperty("served_by").GetString());
        }
    }

    [Fact]
    public async Task OneThatFailsOnTheWayDoes()
    {
        await using var gateway = await GatewayServer.StartAsync(model);
        using var response = await gateway.SendAsync(new Dictionary<string, object>(BadInputTests.Slow) { ["deadline_seconds"] = 0.2 });

        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
        Assert.Equal($"{TinyModel.Name}/v1", Assert.Single(response.Headers.GetValues(Version)));
        Assert.NotEmpty(Assert.Single(response.Headers.GetValues(ServedBy)));
    }

    private static void RequireNames(HttpResponseMessage response, JsonElement answer)
    {
        Assert.Equal($"{answer.GetProperty("model").GetString()}/{answer.GetProperty("model_version").GetString()}", Assert.Single(response.Headers.GetValues(Version)));
        Assert.Equal($"{TinyModel.Name}/v1", Assert.Single(response.Headers.GetValues(Version)));
        Assert.Equal(64, answer.GetProperty("model_sha256").GetString()!.Length);
        Assert.Equal(Assert.Single(response.Headers.GetValues(ServedBy)), answer.GetProperty("served_by").GetString());
    }
}
