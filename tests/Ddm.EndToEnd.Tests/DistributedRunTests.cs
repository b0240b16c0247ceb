using System.Net;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.EndToEnd.Tests;

public sealed class DistributedRunTests(SharedServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Category", "Long")] // the chaos run shows it too, with faults
    public async Task ProcessesThatShareABrokerAndAStoreEndWithTheWeightsOfOneProcess()
    {
        await using var alone = new UndisturbedRun(TinyFolder.DefaultSpec);
        using var files = new TinyFolder();
        var (rabbit, store) = (await servers.NewBrokerAsync(), servers.NewStore());
        var blobs = BlobStores.Open(store);
        await using var cluster = new ServiceCluster(rabbit.ConnectionString, store, files.Folder);
        await cluster.StartAllAsync();

        // by a client in another language, twice: the second changes nothing
        Assert.Equal("created", NodeClient.Outcome(await NodeClient.SubmitAsync(rabbit.ConnectionString, files.SpecFile, files.Folder)));
        Assert.Equal("existing", NodeClient.Outcome(await NodeClient.SubmitAsync(rabbit.ConnectionString, files.SpecFile, files.Folder)));
        var document = await RunOutcome.EndAsync(blobs, () => cluster.Output);

        Assert.True(document.Status == RunStatus.Succeeded, document.Failure + cluster.Output);
        Assert.Equal(await alone.Weights, await RunOutcome.WeightsAsync(blobs));
        Assert.Equal(0u, await rabbit.WaitingAsync(QueueNames.Dead, Cancel));
        Assert.Equal(HttpStatusCode.OK, await cluster.ControlPlane.StatusAsync("/runs/" + TinyFolder.RunName, Cancel, ServiceCluster.ApiKey));
        Assert.Equal(HttpStatusCode.Unauthorized, await cluster.ControlPlane.StatusAsync("/runs/" + TinyFolder.RunName, Cancel));
        Assert.All(await cluster.StopAsync(), code => Assert.Equal(0, code));
    }
}
