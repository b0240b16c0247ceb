using Ddm.Tensors;
using Microsoft.Extensions.DependencyInjection;

namespace Ddm.Services.Tests.Hosting;

public sealed class TrainingPoolTests
{
    [Theory]
    [InlineData(false, "a100")]
    [InlineData(true, "router")]
    public async Task AWorkersRecordNamesThePoolWhoseQueueItReads(bool trainsRouters, string pool)
    {
        TorchNative.EnsureLoaded();
        var services = new ServiceCollection().AddLogging();
        var ddm = services.AddDdm(new Storage.Tests.MemoryBlobStore(), WorkerIdentity.Service("machine", 1, 1), new StopSignal(), new WorkerSettings { Pool = "a100" });

        _ = trainsRouters ? ddm.AddRouterTraining() : ddm.AddExpertTraining(ddm.Settings.Pool);

        await using var provider = services.BuildServiceProvider();
        Assert.Equal(pool, provider.GetRequiredService<WorkerPresence>().Describe().Pool);
        Assert.Equal([QueueNames.Train(pool)], ddm.Queues);
    }
}
