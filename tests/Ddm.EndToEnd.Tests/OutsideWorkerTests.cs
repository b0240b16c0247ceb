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
    private const string Slow = "0.15"; // share of the device, so that there is time to disturb it
    private static readonly TimeSpan LongestCommit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AWorkerThatKnowsAnAddressAndAKeyTrainsTheSameWeights()
    {
        await using var scene = new Scene(servers, SpecOf("home", steps: 12));
        await scene.StartAsync("1", "ControlPlane", "FeatureExtractor", "Clusterer", "RouterTrainer");
        await scene.SubmitAsync();

        await scene.EndsWithTheWeightsOfOneProcessAsync();
        var said = string.Join('\n', scene.Outside.Lines);
        Assert.All((string[])["experts/0", "experts/1"], role => Assert.Contains($"{role} stands at step 12 of 12", said, StringComparison.Ordinal));
        Assert.DoesNotContain(scene.Broker, said, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Category", "Long")]
    public async Task ItsDeathAndARestartOfTheControlPlaneChangeNothing()
    {
        await using var scene = new Scene(servers, SpecOf("home, local", steps: 200));
        await scene.StartAsync(Slow, "ControlPlane", "FeatureExtractor", "Clusterer", "RouterTrainer", "ExpertTrainer");
        var (first, cluster, blobs) = (scene.Cluster.ControlPlane, scene.Cluster, scene.Blobs);
        await Waiting.ForAsync(
            "workers are there", LongestCommit, async token => (await new WorkerDirectory(blobs).ReadAsync(token)).Count(worker => worker.IsAlive) >= 3, () => cluster.Output);
        await scene.SubmitAsync();
        var role = await OwnedAsync(blobs, cluster);
        scene.Outside.Signal(Signals.Kill);
        cluster.StartOutside(share: Slow);
        await OwnedAsync(blobs, cluster, role, after: await EpochAsync(blobs, role)); // and commits
        first.Signal(Signals.Kill);
        await first.WaitForExitAsync();
        await cluster.Restart(first).ReadyAsync();

        await scene.EndsWithTheWeightsOfOneProcessAsync();
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

    private static string SpecOf(string pools, int steps) => TinyFolder.DefaultSpec
        .Replace("experts: { steps: 12", FormattableString.Invariant($"experts: {{ pools: [{pools}], steps: {steps}"), StringComparison.Ordinal)
        .Replace("steps: 8, batch", "pools: [router], steps: 8, batch", StringComparison.Ordinal)
        .Replace("slice_seconds: 0.01", "slice_seconds: 0.5, commit_seconds: 0.5", StringComparison.Ordinal);

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

    // A run, an installation of some services with one worker outside, and the same run undisturbed.
    private sealed class Scene : IAsyncDisposable
    {
        private readonly SharedServers servers;
        private readonly UndisturbedRun alone;
        private readonly TinyFolder files;
        private ServiceCluster? cluster;

        public Scene(SharedServers servers, string spec)
        {
            (this.servers, alone, files) = (servers, new UndisturbedRun(spec), new TinyFolder(spec));
            var store = servers.NewStore();
            (Store, Blobs) = (store, BlobStores.Open(store));
        }

        public IBlobStore Blobs { get; }

        public ServiceCluster Cluster => cluster!;

        public ServiceProcess Outside { get; private set; } = null!;

        public string Broker { get; private set; } = "";

        private string Store { get; }

        public async Task StartAsync(string share, params string[] services)
        {
            Broker = (await servers.NewBrokerAsync()).ConnectionString;
            cluster = new ServiceCluster(Broker, Store, files.Folder, ("Ddm:OwnerTimeout", "00:00:04"), ("Ddm:ResendAfter", "00:00:04"));
            Array.ForEach(services, name => cluster.Start(name));
            Outside = cluster.StartOutside(share: share); // waits for the control plane
            await Task.WhenAll(cluster.Processes.Select(process => process.ReadyAsync()));
        }

        public async Task SubmitAsync() => await NodeClient.SubmitAsync(Broker, files.SpecFile, files.Folder);

        public async Task EndsWithTheWeightsOfOneProcessAsync()
        {
            var document = await RunOutcome.EndAsync(Blobs, () => Cluster.Output);
            Assert.True(document.Status == RunStatus.Succeeded, document.Failure + Cluster.Output);
            Assert.Equal(await alone.Weights, await RunOutcome.WeightsAsync(Blobs));
        }

        public async ValueTask DisposeAsync()
        {
            if (cluster is not null)
            {
                await cluster.DisposeAsync();
            }

            await alone.DisposeAsync();
            files.Dispose();
        }
    }
}
