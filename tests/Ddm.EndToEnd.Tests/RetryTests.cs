using System.Net;
using System.Net.Http.Headers;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.EndToEnd.Tests;

/// <summary>A run in a container, which no <c>ddm run</c> takes up again: a retry asked of the control plane mends it.</summary>
public sealed class RetryTests(SharedServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ADamagedHeadAndADeletedProductFailTheRunAndARetryEndsItWithTheWeightsOfOneProcess()
    {
        var spec = TinyFolder.DefaultSpec.Replace("steps: 12", "steps: 900", StringComparison.Ordinal).Replace("slice_seconds: 0.01", "slice_seconds: 0.3", StringComparison.Ordinal);
        await using var alone = new UndisturbedRun(spec);
        using var files = new TinyFolder(spec);
        var (rabbit, store) = (await servers.NewBrokerAsync(), servers.NewStore());
        var blobs = BlobStores.Open(store);
        var (runs, head) = (new RunRepository(blobs), $"runs/{TinyFolder.RunName}/experts/0/head.json");
        await using var cluster = new ServiceCluster(rabbit.ConnectionString, store, files.Folder);
        await cluster.StartAllAsync();
        Assert.Equal("created", NodeClient.Outcome(await NodeClient.SubmitAsync(rabbit.ConnectionString, files.SpecFile, files.Folder)));
        var checkpoints = new CheckpointStore(blobs, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        await Waiting.ForAsync(
            "experts/0 commits", TimeSpan.FromMinutes(2), async token => await checkpoints.ReadHeadAsync(TinyFolder.RunName, Role.Expert(0), token) is { Step: > 0 }, () => cluster.Output);
        await PostAsync(cluster, "pause");
        var bytes = (await blobs.ReadAsync(head, Cancel))!.Bytes;
        bytes[bytes.Length / 2] ^= 0x10;
        await blobs.TryWriteAsync(head, bytes, WriteCondition.Any, Cancel);
        await blobs.DeleteAsync(BlobNames.Features(TinyFolder.RunName, 1), Cancel);

        await PostAsync(cluster, "resume");
        var failed = await RunOutcome.EndAsync(blobs, () => cluster.Output);
        Assert.Equal(RunStatus.Failed, failed.Status);
        // Where training ended before the pause, it is the evaluation that meets the head.
        Assert.Contains(head, failed.Failure, StringComparison.Ordinal);
        Assert.Contains($"'ddm retry {TinyFolder.RunName}'", failed.Failure, StringComparison.Ordinal);
        await PostAsync(cluster, "retry");
        var document = await RunOutcome.EndAsync(blobs, () => cluster.Output);

        Assert.True(document.Status == RunStatus.Succeeded, document.Failure + cluster.Output);
        Assert.Equal(await alone.Weights, await RunOutcome.WeightsAsync(blobs));
        var repaired = (await RunEvents.ReadAsync(blobs, TinyFolder.RunName, Cancel)).Where(e => e.Kind == RunEvent.Repaired).Select(e => e.Text).ToArray();
        Assert.Contains(repaired, text => text.Contains(head, StringComparison.Ordinal) && text.Contains("It was written anew", StringComparison.Ordinal));
        Assert.Contains($"{BlobNames.Features(TinyFolder.RunName, 1)} is missing or empty: it is made anew at stage ExtractFeatures", repaired);
    }

    private static async Task PostAsync(ServiceCluster cluster, string action)
    {
        using var client = new HttpClient { Timeout = TimeSpan.FromMinutes(1) };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", ServiceCluster.ApiKey);
        using var answer = await client.PostAsync(new Uri($"{cluster.ControlPlane.Address}/runs/{TinyFolder.RunName}/{action}"), null, Cancel);
        Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{action}: {await answer.Content.ReadAsStringAsync(Cancel)}{cluster.Output}");
    }
}
