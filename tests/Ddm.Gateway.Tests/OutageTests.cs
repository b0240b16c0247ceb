using System.Net;
using System.Net.Http.Json;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.Gateway.Tests;

/// <summary>What is answered where nothing is published yet, or the store is away.</summary>
public class OutageTests(TinyModel model)
{
    private const string Jobs = "/v1/images/jobs";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WithoutAModelRequestsAreToldToComeBack()
    {
        await using var gateway = await GatewayServer.StartAsync(Directory.CreateTempSubdirectory("ddm-gateway-").FullName, ownsHome: true);
        foreach (var path in new[] { "/v1/images/generations", Jobs })
        {
            using var response = await gateway.SendTextAsync("""{"prompt": "1"}""", path);
            Assert.Equal("no_model", (await GatewayServer.ErrorAsync(response, HttpStatusCode.ServiceUnavailable)).Code);
            Assert.NotNull(response.Headers.RetryAfter);
        }

        using var models = await gateway.Client.GetAsync("/v1/models", Token);
        Assert.Equal(0, (await GatewayServer.JsonAsync(models, HttpStatusCode.OK)).GetProperty("data").GetArrayLength());
    }

    /// <summary>What is in memory goes on being drawn; what needs the store is told so; a job in hand is drawn when it is back.</summary>
    [Fact]
    public async Task WhileTheStoreIsAwayPicturesAreDrawnAndJobsWait()
    {
        var home = model.CopyHome();
        var store = new SwitchedStore(new FileBlobStore(home));
        await using var gateway = await GatewayServer.StartAsync(store, home, ownsHome: true, ("Ddm:Gateway:JobLease", "00:00:01"));
        using var submitted = await gateway.Client.PostAsJsonAsync(Jobs, new Dictionary<string, object>(BadInputTests.Slow) { ["num_inference_steps"] = 200, ["n"] = 2, ["seed"] = 3 }, Token);
        var job = await GatewayServer.JsonAsync(submitted, HttpStatusCode.Accepted);
        await Waiting.ForAsync("drawing", TimeSpan.FromSeconds(20), _ => Task.FromResult(gateway.Engine.Active > 0));

        store.IsAway = true;
        await gateway.DrawAsync(new { prompt = "1" });
        foreach (var (path, body) in new[] { (Jobs, """{"prompt": "1"}"""), ("/v1/images/generations", """{"prompt": "1", "response_format": "url"}""") })
        {
            using var response = await gateway.SendTextAsync(body, path);
            Assert.Equal("unavailable", (await GatewayServer.ErrorAsync(response, HttpStatusCode.ServiceUnavailable)).Code);
            Assert.NotNull(response.Headers.RetryAfter);
        }

        await Waiting.ForAsync("what is drawn for nobody stops", TimeSpan.FromSeconds(20), _ => Task.FromResult(gateway.Engine.Active == 0));
        store.IsAway = false;

        await Waiting.ForAsync("the job is drawn", TimeSpan.FromSeconds(40), async token =>
        {
            using var response = await gateway.Client.GetAsync(job.GetProperty("poll_url").GetString(), token);
            return (await GatewayServer.JsonAsync(response, HttpStatusCode.OK)).GetProperty("status").GetString() == "completed";
        });
    }

    private sealed class SwitchedStore(IBlobStore below) : Storage.Tests.InterceptedBlobStore(below)
    {
        private volatile bool isAway;

        public bool IsAway
        {
            get => isAway;
            set => isAway = value;
        }

        protected override Task<T> InterceptAsync<T>(string call, Func<Task<T>> run, T refused, bool conditional)
            => isAway ? Task.FromException<T>(new IOException($"{call}: the store is away")) : run();
    }
}
