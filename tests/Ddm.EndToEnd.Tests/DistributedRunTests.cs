using System.Net;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Ddm.Tests;
using Microsoft.Extensions.DependencyInjection;

namespace Ddm.EndToEnd.Tests;

public sealed class DistributedRunTests
{
    private static string Spec => TinyFolder.DefaultSpec;

    [Fact]
    public async Task ProcessesThatShareABrokerAndAStoreEndWithTheWeightsOfOneProcess()
    {
        var expected = await RunOutcome.OfOneProcessAsync(Spec);
        using var files = new TinyFolder(Spec);
        var blobs = new FileBlobStore(files.Home);
        await using var rabbit = await RabbitServer.StartAsync();
        await using var cluster = new ServiceCluster(rabbit.ConnectionString, files.Home, files.Folder);
        await SubmitAsync(blobs, files);
        await cluster.StartAllAsync();
        Assert.Equal(HttpStatusCode.OK, await cluster.ControlPlane.StatusAsync("/alive", TestContext.Current.CancellationToken));

        var document = await RunOutcome.EndAsync(blobs, () => cluster.Output);

        Assert.True(document.Status == RunStatus.Succeeded, document.Failure);
        Assert.Equal(expected, await RunOutcome.WeightsAsync(blobs));
        foreach (var process in cluster.Processes)
        {
            Assert.Equal(0, await process.StopAsync());
        }
    }

    private static async Task SubmitAsync(FileBlobStore blobs, TinyFolder files)
    {
        using var stop = new StopSignal();
        await using var host = await EmbeddedHost.StartAsync(blobs, new NoProgress(), stop, TestContext.Current.CancellationToken);
        await host.Services.GetRequiredService<RunSubmission>().SubmitAsync(files.SpecText, files.SpecFile, TestContext.Current.CancellationToken);
    }

    private sealed class NoProgress : IRunProgress
    {
        public void Stage(RunStage stage, int done, int total)
        {
        }

        public void Training(TrainingProgress progress)
        {
        }

        public void Notice(string message)
        {
        }

        public void Ended(RunDocument document)
        {
        }
    }
}
