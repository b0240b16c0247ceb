using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Ddm.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.EndToEnd.Tests;

public sealed class OutsideWorkerTests(SharedServers servers)
{
    private static readonly TimeSpan LongestCommit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AWorkerThatKnowsAnAddressAndAKeyTrainsTheSameWeights()
    {
        var spec = TinyFolder.DefaultSpec
            .Replace("experts: { steps: 12", "experts: { pools: [home, local], steps: 200", StringComparison.Ordinal)
            .Replace("steps: 8, batch", "pools: [router], steps: 8, batch", StringComparison.Ordinal)
            .Replace("slice_seconds: 0.01", "slice_seconds: 0.5, commit_seconds: 0.5", StringComparison.Ordinal);
        await using var alone = new UndisturbedRun(spec);
        using var files = new TinyFolder(spec);
        var (rabbit, store) = (await servers.NewBrokerAsync(), servers.NewStore());
        var blobs = BlobStores.Open(store);
        await using var cluster = new ServiceCluster(rabbit.ConnectionString, store, files.Folder, ("Ddm:OwnerTimeout", "00:00:04"), ("Ddm:ResendAfter", "00:00:04"));
        var first = cluster.Start("ControlPlane");
        foreach (var name in (string[])["FeatureExtractor", "Clusterer", "RouterTrainer", "ExpertTrainer"])
        {
            cluster.Start(name);
        }

        var outside = cluster.StartOutside(); // waits for the control plane
        await Task.WhenAll(cluster.Processes.Select(process => process.ReadyAsync()));
        await WorkersAsync(blobs, 3, cluster);
        await NodeClient.SubmitAsync(rabbit.ConnectionString, files.SpecFile, files.Folder);
        var role = await OwnedAsync(blobs, cluster);
        outside.Signal(Signals.Kill);
        var second = cluster.StartOutside();
        await OwnedAsync(blobs, cluster, role, after: await EpochAsync(blobs, role)); // and commits
        first.Signal(Signals.Kill);
        await first.WaitForExitAsync();
        await cluster.Restart(first).ReadyAsync();
        var document = await RunOutcome.EndAsync(blobs, () => cluster.Output);

        Assert.True(document.Status == RunStatus.Succeeded, document.Failure + cluster.Output);
        Assert.Equal(await alone.Weights, await RunOutcome.WeightsAsync(blobs));
        Assert.DoesNotContain(rabbit.ConnectionString, string.Concat(second.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ASliceThatAWorkerTookAndNeverClaimedComesBack()
    {
        using var files = new TinyFolder(TinyFolder.DefaultSpec.Replace("steps: 12", "steps: 12, pools: [home]", StringComparison.Ordinal));
        await PoolQueueTests.CreateAsync(files);
        var rabbit = await servers.NewBrokerAsync();
        await using var control = ServiceProcess.Start("ControlPlane", new Dictionary<string, string>
        {
            ["ConnectionStrings:messaging"] = rabbit.ConnectionString,
            ["ConnectionStrings:blobs"] = files.Home,
            ["Ddm:ApiKeys:0"] = ServiceCluster.ApiKey,
            ["Ddm:WorkerKeys:0"] = $"{ServiceCluster.OutsideHolder}@{ServiceCluster.OutsidePool}={ServiceCluster.OutsideKey}",
            ["Ddm:ReconcileEvery"] = "00:00:01",
            ["Ddm:ResendAfter"] = "00:00:03",
        });
        await control.ReadyAsync();
        using var client = new HttpClient { BaseAddress = new Uri(control.Address), Timeout = LongestCommit };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", ServiceCluster.OutsideKey);

        string[] taken = [await TakeAsync(), await TakeAsync()];
        Assert.Equal(["experts/0", "experts/1"], taken.Order(StringComparer.Ordinal));
        string[] again = [await TakeAsync(), await TakeAsync()]; // nobody claimed them
        Assert.Equal(["experts/0", "experts/1"], again.Order(StringComparer.Ordinal));

        async Task<string> TakeAsync()
        {
            using var answer = await client.PostAsJsonAsync("/workers/slices/take", Question, Cancel);
            Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{answer.StatusCode} {control.Output}");
            return (await answer.Content.ReadFromJsonAsync<TrainSlice>(Cancel))!.RolePath;
        }
    }

    [Fact]
    public async Task AWrongKeyPoolOrAddressEndsTheStartWithItsName()
    {
        using var files = new TinyFolder();
        var rabbit = await servers.NewBrokerAsync();
        await using var cluster = new ServiceCluster(rabbit.ConnectionString, files.Home, files.Folder);
        await cluster.Start("ControlPlane").ReadyAsync();

        await using var open = StartWith("http://cats.example", "ExpertTrainer");
        await using var other = StartWith(cluster.ControlPlane.Address, "Clusterer");
        await Task.WhenAll(
            EndsAsync(cluster.StartOutside(key: "another-key-that-nobody-knows-0123"), "does not know this key"),
            EndsAsync(cluster.StartOutside(pool: "local"), "This key is for pool 'home'"),
            EndsAsync(cluster.StartOutside(key: ServiceCluster.ApiKey), "A worker's key is needed"),
            EndsAsync(open, "is not https"),
            EndsAsync(other, "for expert trainers alone"));

        ServiceProcess StartWith(string address, string service) => ServiceProcess.Start(service, new Dictionary<string, string>
        {
            ["ConnectionStrings:controlplane"] = address,
            ["Ddm:ApiKey"] = ServiceCluster.OutsideKey,
            ["Ddm:Pool"] = ServiceCluster.OutsidePool,
        });
    }

    private static async Task EndsAsync(ServiceProcess process, string why)
    {
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 2 && process.Output.Contains(why, StringComparison.Ordinal), process.Output);
        Assert.DoesNotContain("   at ", process.Output, StringComparison.Ordinal);
    }

    private static object Question => new { pool = ServiceCluster.OutsidePool, worker = ServiceCluster.OutsideHolder + "/ghost:1:1", waitSeconds = 30 };

    private static Task WorkersAsync(IBlobStore blobs, int count, ServiceCluster cluster) => Waiting.ForAsync(
        "workers are there", TimeSpan.FromSeconds(60), async token => (await new WorkerDirectory(blobs).ReadAsync(token)).Count(worker => worker.IsAlive) >= count, () => cluster.Output);

    private static async Task<long> EpochAsync(IBlobStore blobs, string role)
        => (await Checkpoints(blobs).ReadHeadAsync(TinyFolder.RunName, Role.Parse(role), Cancel))!.Epoch;

    // The role that the worker outside has, once it has committed something.
    private static async Task<string> OwnedAsync(IBlobStore blobs, ServiceCluster cluster, string? only = null, long after = 0)
    {
        var found = "";
        await Waiting.ForAsync("the worker outside commits", LongestCommit, async token =>
        {
            foreach (var role in (Role[])[Role.Expert(0), Role.Expert(1)])
            {
                var owner = await Checkpoints(blobs).ReadOwnerAsync(TinyFolder.RunName, role, token);
                var head = await Checkpoints(blobs).ReadHeadAsync(TinyFolder.RunName, role, token);
                if ((only is null || only == role.Path) && owner?.Worker.StartsWith(ServiceCluster.OutsideHolder + "/", StringComparison.Ordinal) == true
                    && head is { Attempts: 0, Step: > 0 } && head.Epoch > after)
                {
                    found = role.Path;
                }
            }

            return found.Length > 0;
        }, () => cluster.Output);
        return found;
    }

    private static CheckpointStore Checkpoints(IBlobStore blobs) => new(blobs, TimeProvider.System, NullLogger.Instance);
}
