using System.Net;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.EndToEnd.Tests;

/// <summary>With a broker of its own, which it takes away.</summary>
public sealed class BrokerLossTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Category", "Long")]
    public async Task ABrokerThatRestartsEmptyAndWorkersThatAreStoppedAndKilledCostTimeAlone()
    {
        var spec = TinyFolder.DefaultSpec
            .Replace("experts: { steps: 12", "experts: { steps: 400", StringComparison.Ordinal)
            .Replace("steps: 8, batch", "steps: 300, batch", StringComparison.Ordinal)
            .Replace("slice_seconds: 0.01", "slice_seconds: 0.5", StringComparison.Ordinal);
        await using var alone = new UndisturbedRun(spec);
        using var files = new TinyFolder(spec);
        var blobs = new FileBlobStore(files.Home);
        await using var rabbit = await RabbitServer.StartAsync();
        await using var cluster = new ServiceCluster(rabbit.ConnectionString, files.Home, files.Folder);
        await cluster.StartAllAsync();
        Assert.Equal("created", NodeClient.Outcome(await NodeClient.SubmitAsync(rabbit.ConnectionString, files.SpecFile, files.Folder)));
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
        Assert.Equal(await alone.Weights, await RunOutcome.WeightsAsync(blobs));
    }

    private static Task TrainingAsync(FileBlobStore blobs, ServiceCluster cluster)
    {
        var checkpoints = new CheckpointStore(blobs, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        return Waiting.ForAsync("both experts train", TimeSpan.FromMinutes(3), async token =>
            (await checkpoints.ReadHeadAsync(TinyFolder.RunName, Role.Expert(0), token))?.Step > 0 && (await checkpoints.ReadHeadAsync(TinyFolder.RunName, Role.Expert(1), token))?.Step > 0,
            () => cluster.Output);
    }
}
