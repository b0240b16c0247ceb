using System.Net;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;

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
        await RunOutcome.SubmitAsync(blobs, files);
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
}
