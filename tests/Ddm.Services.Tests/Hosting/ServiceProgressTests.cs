using Ddm.Runs;
using Ddm.Storage.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Services.Tests.Hosting;

public sealed class ServiceProgressTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WhatConsumersTellWhileTheyStopIsKeptAndNothingEndsTheProcess()
    {
        var store = new CountedStore(new MemoryBlobStore());
        var progress = new ServiceProgress(
            new RunEvents(store, new WorkerIdentity("w:1", _ => false), TimeProvider.System), new RunRepository(store), new RoleAges(TimeProvider.System), NullLogger<ServiceProgress>.Instance);
        await progress.StartAsync(Cancel);
        using (RunScope.Enter("cats"))
        {
            var tried = RefuseAsync(store);
            progress.Notice("lost");
            await tried;
            store.Before = null;
            await progress.StopAsync(Cancel);
            progress.Notice("the last word");
        }

        await progress.StoppedAsync(Cancel);

        Assert.Equal("the last word", Assert.Single(await RunEvents.ReadAsync(store, "cats", Cancel)).Text);
        progress.Dispose();
    }

    private static Task RefuseAsync(CountedStore store)
    {
        var tried = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        store.Before = _ =>
        {
            tried.TrySetResult();
            return Task.FromException(new UserErrorException("refused"));
        };
        return tried.Task;
    }
}
