using System.Net;
using System.Text.Json;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Ddm.Tests;
using MassTransit;

namespace Ddm.EndToEnd.Tests;

public sealed class DistributedRunTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ProcessesThatShareABrokerAndAStoreEndWithTheWeightsOfOneProcess()
    {
        var expected = await RunOutcome.OfOneProcessAsync(TinyFolder.DefaultSpec);
        using var files = new TinyFolder();
        await using var azurite = new AzuriteProcess();
        await azurite.InitializeAsync();
        var store = azurite.ConnectionString(AzuriteProcess.NewContainer());
        var blobs = BlobStores.Open(store);
        await using var rabbit = await RabbitServer.StartAsync();
        await using var cluster = new ServiceCluster(rabbit.ConnectionString, store, files.Folder);
        await cluster.StartAllAsync();

        // by a client in another language, twice: the second changes nothing
        Assert.Equal("created", Outcome(await NodeClient.SubmitAsync(rabbit, files.SpecFile, files.Folder)));
        Assert.Equal("existing", Outcome(await NodeClient.SubmitAsync(rabbit, files.SpecFile, files.Folder)));
        var document = await RunOutcome.EndAsync(blobs, () => cluster.Output);

        Assert.True(document.Status == RunStatus.Succeeded, document.Failure + cluster.Output);
        Assert.Equal(expected, await RunOutcome.WeightsAsync(blobs));
        Assert.Equal("", await DeadAsync(rabbit));
        Assert.Equal(HttpStatusCode.OK, await cluster.ControlPlane.StatusAsync("/runs/" + TinyFolder.RunName, Cancel, ServiceCluster.ApiKey));
        Assert.Equal(HttpStatusCode.Unauthorized, await cluster.ControlPlane.StatusAsync("/runs/" + TinyFolder.RunName, Cancel));
        foreach (var process in cluster.Processes)
        {
            Assert.Equal(0, await process.StopAsync());
        }
    }

    [Fact]
    public async Task ABrokerThatRestartsEmptyAndWorkersThatAreStoppedAndKilledCostTimeAlone()
    {
        var spec = TinyFolder.DefaultSpec
            .Replace("experts: { steps: 12", "experts: { steps: 400", StringComparison.Ordinal)
            .Replace("steps: 8, batch", "steps: 300, batch", StringComparison.Ordinal)
            .Replace("slice_seconds: 0.01", "slice_seconds: 0.5", StringComparison.Ordinal);
        var expected = await RunOutcome.OfOneProcessAsync(spec);
        using var files = new TinyFolder(spec);
        var blobs = new FileBlobStore(files.Home);
        await using var rabbit = await RabbitServer.StartAsync();
        await using var cluster = new ServiceCluster(rabbit.ConnectionString, files.Home, files.Folder);
        await cluster.StartAllAsync();
        Assert.Equal("created", Outcome(await NodeClient.SubmitAsync(rabbit, files.SpecFile, files.Folder)));
        await TrainingAsync(blobs, cluster);

        var trainers = cluster.Processes.Where(process => process.Name == "ExpertTrainer").ToArray();
        Assert.Equal(0, await trainers[0].StopAsync());
        trainers[1].Signal(Signals.Kill);
        Assert.Equal(0, await rabbit.ControlAsync(Cancel, "close_all_connections", "a test")); // messages under way are handed out again
        await rabbit.StopAsync();
        await Waiting.ForAsync("a service says that its broker is away", TimeSpan.FromSeconds(60), async token => await trainers[2].StatusAsync("/health", token) == HttpStatusCode.ServiceUnavailable);
        Assert.Equal(HttpStatusCode.OK, await trainers[2].StatusAsync("/alive", Cancel)); // to restart it would lose its steps and mend nothing
        await rabbit.StartEmptyAsync();
        await cluster.Start("ExpertTrainer").ReadyAsync();
        var document = await RunOutcome.EndAsync(blobs, () => cluster.Output);

        Assert.True(document.Status == RunStatus.Succeeded, document.Failure + cluster.Output);
        Assert.Equal(expected, await RunOutcome.WeightsAsync(blobs));
    }

    [Fact]
    public async Task AStandbyTakesOverFromAControlPlaneThatIsKilled()
    {
        using var files = new TinyFolder();
        var blobs = new FileBlobStore(files.Home);
        await using var rabbit = await RabbitServer.StartAsync();
        await using var cluster = new ServiceCluster(rabbit.ConnectionString, files.Home, files.Folder);
        var first = cluster.Start("ControlPlane");
        await first.ReadyAsync();
        Assert.Equal("created", Outcome(await NodeClient.SubmitAsync(rabbit, files.SpecFile, files.Folder)));
        await Waiting.ForAsync("somebody looks at the run", TimeSpan.FromSeconds(30), token => blobs.ExistsAsync(BlobNames.Reconciler(TinyFolder.RunName), token), () => first.Output);
        var second = cluster.Start("ControlPlane");
        await second.ReadyAsync();
        first.Signal(Signals.Kill);
        foreach (var name in (string[])["FeatureExtractor", "Clusterer", "RouterTrainer", "ExpertTrainer"])
        {
            cluster.Start(name);
        }

        var document = await RunOutcome.EndAsync(blobs, () => cluster.Output);

        Assert.True(document.Status == RunStatus.Succeeded, document.Failure + cluster.Output);
        var lease = (await blobs.ReadJsonAsync<ReconcilerLease>(BlobNames.Reconciler(TinyFolder.RunName), Cancel))!.Value.Value;
        Assert.Contains($":{second.Id}:", lease.Worker, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WrongSpecsAndSettingsAreAnsweredByName()
    {
        using var files = new TinyFolder(TinyFolder.DefaultSpec.Replace("steps: 12", "stepz: 12", StringComparison.Ordinal));
        await using var rabbit = await RabbitServer.StartAsync();
        await using var cluster = new ServiceCluster(rabbit.ConnectionString, files.Home, files.Folder);
        await cluster.Start("ControlPlane").ReadyAsync();

        var mistaken = await NodeClient.SubmitAsync(rabbit, files.SpecFile, files.Folder);
        var same = await AskAsync(rabbit, new SubmitRun(File.ReadAllText(files.SpecFile), files.Folder)); // in the message library's own way
        Assert.Equal(mistaken.GetProperty("messages")[0].GetString(), same.Messages[0]);
        File.WriteAllText(files.SpecFile, TinyFolder.DefaultSpec);
        var outside = await NodeClient.SubmitAsync(rabbit, files.SpecFile, Path.GetTempPath());

        Assert.Equal("refused", Outcome(mistaken));
        Assert.Contains(mistaken.GetProperty("messages").EnumerateArray(), message => message.GetString()!.Contains("stepz", StringComparison.Ordinal));
        Assert.Equal("refused", Outcome(outside));
        Assert.Contains(SourceRoots.Setting, outside.GetProperty("messages")[0].GetString(), StringComparison.Ordinal);
        await NodeClient.SendAsync(rabbit, "submit", "no JSON at all");
        await Waiting.ForAsync("what nobody can read is put aside", TimeSpan.FromSeconds(30), async _ => (await DeadAsync(rabbit)).EndsWith("\t1", StringComparison.Ordinal), () => cluster.Output);

        await using var wrong = ServiceProcess.Start("ExpertTrainer", new Dictionary<string, string>
        {
            ["ConnectionStrings:messaging"] = rabbit.ConnectionString,
            ["ConnectionStrings:blobs"] = files.Home,
            ["Ddm:StopNotice"] = "20",
        });
        await wrong.WaitForExitAsync();
        Assert.Equal(2, wrong.ExitCode);
        Assert.Contains("Ddm:StopNotice: '20' is no duration", wrong.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", wrong.Output, StringComparison.Ordinal);
    }

    private static Task TrainingAsync(FileBlobStore blobs, ServiceCluster cluster)
    {
        var checkpoints = new CheckpointStore(blobs, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        return Waiting.ForAsync("both experts train", TimeSpan.FromMinutes(3), async token =>
            (await checkpoints.ReadHeadAsync(TinyFolder.RunName, Role.Expert(0), token))?.Step > 0 && (await checkpoints.ReadHeadAsync(TinyFolder.RunName, Role.Expert(1), token))?.Step > 0,
            () => cluster.Output);
    }

    private static async Task<SubmitRunAnswer> AskAsync(RabbitServer rabbit, SubmitRun question)
    {
        var bus = Bus.Factory.CreateUsingRabbitMq(transport => transport.Host(rabbit.ConnectionString));
        await bus.StartAsync(Cancel);
        try
        {
            var client = bus.CreateRequestClient<SubmitRun>(new Uri("exchange:" + QueueNames.Submit));
            return (await client.GetResponse<SubmitRunAnswer>(question, Cancel)).Message;
        }
        finally
        {
            await bus.StopAsync(CancellationToken.None);
        }
    }

    private static string? Outcome(JsonElement answer) => answer.GetProperty("outcome").GetString();

    private static async Task<string> DeadAsync(RabbitServer rabbit)
    {
        var queues = await rabbit.AskAsync("list_queues", "name", "messages", "--no-table-headers");
        return string.Join('\n', queues.Split('\n').Where(line => line.StartsWith(QueueNames.Dead, StringComparison.Ordinal) && !line.EndsWith("\t0", StringComparison.Ordinal)));
    }
}
