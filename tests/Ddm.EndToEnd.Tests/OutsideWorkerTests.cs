using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Ddm.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.EndToEnd.Tests;

public sealed class OutsideWorkerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AWorkerThatKnowsAnAddressAndAKeyTrainsTheSameWeights()
    {
        var spec = TinyFolder.DefaultSpec
            .Replace("experts: { steps: 12", "experts: { pools: [home, local], steps: 800", StringComparison.Ordinal)
            .Replace("steps: 8, batch", "pools: [router], steps: 8, batch", StringComparison.Ordinal)
            .Replace("slice_seconds: 0.01", "slice_seconds: 0.5, commit_seconds: 1", StringComparison.Ordinal);
        var expected = await RunOutcome.OfOneProcessAsync(spec);
        using var files = new TinyFolder(spec);
        await using var azurite = new AzuriteProcess();
        await azurite.InitializeAsync();
        var store = azurite.ConnectionString(AzuriteProcess.NewContainer());
        var blobs = BlobStores.Open(store);
        await using var rabbit = await RabbitServer.StartAsync();
        await using var cluster = new ServiceCluster(rabbit.ConnectionString, store, files.Folder);
        var first = cluster.Start("ControlPlane");
        await first.ReadyAsync();
        foreach (var name in (string[])["FeatureExtractor", "Clusterer", "RouterTrainer", "ExpertTrainer"])
        {
            cluster.Start(name);
        }

        var outside = cluster.StartOutside();
        foreach (var process in cluster.Processes)
        {
            await process.ReadyAsync();
        }

        await WorkersAsync(blobs, 3, cluster);
        await NodeClient.SubmitAsync(rabbit, files.SpecFile, files.Folder);
        var role = await OwnedAsync(blobs, cluster);
        outside.Signal(Signals.Kill);
        cluster.StartOutside();
        await OwnedAsync(blobs, cluster, role, after: await EpochAsync(blobs, role));
        first.Signal(Signals.Kill);
        await first.WaitForExitAsync();
        await cluster.Restart(first).ReadyAsync();
        var document = await RunOutcome.EndAsync(blobs, () => cluster.Output);

        Assert.True(document.Status == RunStatus.Succeeded, document.Failure + cluster.Output);
        Assert.Equal(expected, await RunOutcome.WeightsAsync(blobs));
        Assert.Contains(cluster.Processes[^2].Lines, line => line.Contains($"{role} stands at step 800 of 800", StringComparison.Ordinal)); // the second worker outside
    }

    [Fact]
    public async Task AWrongKeyPoolOrAddressEndsTheStartWithItsName()
    {
        using var files = new TinyFolder();
        await using var rabbit = await RabbitServer.StartAsync();
        await using var cluster = new ServiceCluster(rabbit.ConnectionString, files.Home, files.Folder);
        await cluster.Start("ControlPlane").ReadyAsync();

        await EndsAsync(cluster.StartOutside(key: "another-key-that-nobody-knows-0123"), "does not know this key");
        await EndsAsync(cluster.StartOutside(pool: "local"), "This key is for pool 'home'");
        await EndsAsync(cluster.StartOutside(key: ServiceCluster.ApiKey), "A worker's key is needed");
        await using var open = StartWith("http://cats.example", "ExpertTrainer");
        await EndsAsync(open, "is not https");
        await using var other = StartWith(cluster.ControlPlane.Address, "Clusterer");
        await EndsAsync(other, "for expert trainers alone");

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

    private static Task WorkersAsync(IBlobStore blobs, int count, ServiceCluster cluster) => Waiting.ForAsync(
        "workers are there", TimeSpan.FromSeconds(60), async token => (await new WorkerDirectory(blobs).ReadAsync(token)).Count(worker => worker.IsAlive) >= count, () => cluster.Output);

    private static async Task<long> EpochAsync(IBlobStore blobs, string role)
        => (await Checkpoints(blobs).ReadHeadAsync(TinyFolder.RunName, Role.Parse(role), Cancel))!.Epoch;

    // The role that the worker outside has, once it has committed something.
    private static async Task<string> OwnedAsync(IBlobStore blobs, ServiceCluster cluster, string? only = null, long after = 0)
    {
        var found = "";
        await Waiting.ForAsync("the worker outside commits", TimeSpan.FromSeconds(120), async token =>
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
