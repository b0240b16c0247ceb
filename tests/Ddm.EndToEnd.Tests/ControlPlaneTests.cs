using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Ddm.Tests;
using MassTransit;

namespace Ddm.EndToEnd.Tests;

public sealed class ControlPlaneTests(SharedServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Category", "Long")]
    public async Task AStandbyTakesOverFromAControlPlaneThatIsKilled()
    {
        using var files = new TinyFolder();
        var blobs = new FileBlobStore(files.Home);
        var rabbit = await servers.NewBrokerAsync();
        await using var cluster = new ServiceCluster(rabbit.ConnectionString, files.Home, files.Folder);
        var first = cluster.Start("ControlPlane");
        await first.ReadyAsync();
        Assert.Equal("created", NodeClient.Outcome(await NodeClient.SubmitAsync(rabbit.ConnectionString, files.SpecFile, files.Folder)));
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
        var rabbit = await servers.NewBrokerAsync();
        await using var cluster = new ServiceCluster(rabbit.ConnectionString, files.Home, files.Folder);
        await cluster.Start("ControlPlane").ReadyAsync();

        var mistaken = await NodeClient.SubmitAsync(rabbit.ConnectionString, files.SpecFile, files.Folder);
        var same = await AskAsync(rabbit, new SubmitRun(File.ReadAllText(files.SpecFile), files.Folder)); // in the message library's own way
        Assert.Equal(mistaken.GetProperty("messages")[0].GetString(), same.Messages[0]);
        File.WriteAllText(files.SpecFile, TinyFolder.DefaultSpec);
        var outside = await NodeClient.SubmitAsync(rabbit.ConnectionString, files.SpecFile, Path.GetTempPath());

        Assert.Equal("refused", NodeClient.Outcome(mistaken));
        Assert.Contains(mistaken.GetProperty("messages").EnumerateArray(), message => message.GetString()!.Contains("stepz", StringComparison.Ordinal));
        Assert.Equal("refused", NodeClient.Outcome(outside));
        Assert.Contains(SourceRoots.Setting, outside.GetProperty("messages")[0].GetString(), StringComparison.Ordinal);
        await NodeClient.SendAsync(rabbit.ConnectionString, "submit", "no JSON at all");
        await Waiting.ForAsync("what nobody can read is put aside", TimeSpan.FromSeconds(30), async token => await rabbit.WaitingAsync(QueueNames.Dead, token) == 1, () => cluster.Output);

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

    private static async Task<SubmitRunAnswer> AskAsync(VirtualHost rabbit, SubmitRun question)
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
}
