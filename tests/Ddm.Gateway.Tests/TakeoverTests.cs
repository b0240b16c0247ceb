using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Ddm.Runs;
using Ddm.Serving;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.Gateway.Tests;

/// <summary>Gateways as processes over one store. One is killed with jobs in hand, then all are: every job is drawn, as it would have been. JobTests has the shorter twin.</summary>
[Trait("Category", "Long")]
public class TakeoverTests(TinyModel model)
{
    private const string Path = "/v1/images/jobs";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AKilledReplicasJobsAreDrawnByTheOthersAndByTheNextOne()
    {
        var home = model.CopyHome();
        try
        {
            await PlayAsync(home);
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    [Fact]
    public async Task SoTheyAreOverABlobService()
    {
        var home = model.CopyHome();
        await using var azurite = new AzuriteProcess();
        await azurite.InitializeAsync();
        try
        {
            var connection = azurite.ConnectionString(AzuriteProcess.NewContainer());
            var blobs = BlobStores.Open(connection);
            foreach (var file in Directory.EnumerateFiles(home, "*", SearchOption.AllDirectories))
            {
                await blobs.TryWriteAsync(System.IO.Path.GetRelativePath(home, file), await File.ReadAllBytesAsync(file, Token), WriteCondition.Any, Token);
            }

            await PlayAsync(connection);
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    private static async Task PlayAsync(string store)
    {
        var blobs = BlobStores.Open(store);
        var pictures = new Dictionary<int, string[]>();
        var jobs = new Dictionary<int, string>();
        await using (var one = Start(store))
        {
            await using var two = Start(store);
            await Task.WhenAll(one.ReadyAsync(), two.ReadyAsync());
            for (var i = 0; i < 4; i++)
            {
                jobs[i] = await SubmitAsync(one, i);
            }

            await DrawsAsync(one, blobs, jobs.Values);
            one.Kill();
            await one.WaitForExitAsync();
            Assert.Contains(await StatesAsync(blobs, jobs.Values), state => state == JobState.Queued);
            foreach (var (i, job) in jobs)
            {
                pictures[i] = await EndAsync(two, job);
            }

            var attempts = await Task.WhenAll(jobs.Values.Select(async job => (await JobAsync(blobs, job, Token)).Attempts));
            Assert.Contains(attempts, count => count > 1); // that which was in the hands of the killed one

            for (var i = 4; i < 6; i++)
            {
                jobs[i] = await SubmitAsync(two, i);
            }

            await DrawsAsync(two, blobs, [jobs[4], jobs[5]]);
            two.Kill();
            await two.WaitForExitAsync();
            Assert.Contains(await StatesAsync(blobs, [jobs[4], jobs[5]]), state => state is JobState.Queued or JobState.Running);
        }

        await using var next = Start(store);
        await next.ReadyAsync();
        pictures[4] = await EndAsync(next, jobs[4]);
        pictures[5] = await EndAsync(next, jobs[5]);
        using var client = ClientOf(next);
        await Task.WhenAll(pictures.Select(async pair =>
        {
            using var response = await client.PostAsJsonAsync("/v1/images/generations", Body(pair.Key), Token);
            Assert.Equal(Files(await GatewayServer.JsonAsync(response, HttpStatusCode.OK)), pair.Value);
        }));
    }

    private static Dictionary<string, object> Body(int i) => new(BadInputTests.Slow) { ["num_inference_steps"] = 200, ["n"] = 2, ["seed"] = 10 * i };

    private static ServiceProcess Start(string store) => ServiceProcess.Start("InferenceGateway", new Dictionary<string, string>
    {
        ["ConnectionStrings:blobs"] = store,
        ["Ddm:ApiKeys"] = GatewayServer.Key,
        ["Ddm:Gateway:JobsAtOnce"] = "1",
        ["Ddm:Gateway:JobLease"] = "00:00:03",
        ["Ddm:Gateway:MaxSteps"] = "1000",
        ["OMP_NUM_THREADS"] = string.Create(CultureInfo.InvariantCulture, $"{TorchSharp.torch.get_num_threads()}"),
    });

    private static HttpClient ClientOf(ServiceProcess gateway)
        => new() { BaseAddress = new Uri(gateway.Address), Timeout = Patience, DefaultRequestHeaders = { Authorization = new("Bearer", GatewayServer.Key) } };

    private static async Task<string> SubmitAsync(ServiceProcess gateway, int i)
    {
        using var client = ClientOf(gateway);
        using var response = await client.PostAsJsonAsync(Path, Body(i), Token);
        return (await GatewayServer.JsonAsync(response, HttpStatusCode.Accepted)).GetProperty("id").GetString()!;
    }

    private static async Task<string[]> EndAsync(ServiceProcess gateway, string job)
    {
        using var client = ClientOf(gateway);
        JsonElement last = default;
        await Waiting.ForAsync("the job's end", Patience, async token =>
        {
            using var response = await client.GetAsync($"{Path}/{job}", token);
            last = await GatewayServer.JsonAsync(response, HttpStatusCode.OK);
            return last.GetProperty("status").GetString() is not ("queued" or "running");
        }, () => last + gateway.Output);
        Assert.Equal("completed", last.GetProperty("status").GetString());
        return Files(last.GetProperty("result"));
    }

    // It has a job in hand.
    private static Task DrawsAsync(ServiceProcess gateway, IBlobStore blobs, IReadOnlyCollection<string> jobs) => Waiting.ForAsync(
        "a replica draws",
        Patience,
        async token => (await Task.WhenAll(jobs.Select(job => JobAsync(blobs, job, token)))).Any(job => job.State == JobState.Running && job.Runner!.Contains($":{gateway.Id}:", StringComparison.Ordinal)),
        () => gateway.Output,
        TimeSpan.FromMilliseconds(20));

    private static async Task<JobState[]> StatesAsync(IBlobStore blobs, IEnumerable<string> jobs)
        => [.. (await Task.WhenAll(jobs.Select(job => JobAsync(blobs, job, Token)))).Select(job => job.State)];

    private static async Task<ImageJob> JobAsync(IBlobStore blobs, string job, CancellationToken cancellationToken)
        => (await blobs.ReadJsonAsync<ImageJob>(BlobNames.ImageJob(job), cancellationToken))!.Value.Value;

    private static string[] Files(JsonElement answer) => [.. answer.GetProperty("data").EnumerateArray().Select(picture => picture.GetProperty("b64_json").GetString()!)];
}
