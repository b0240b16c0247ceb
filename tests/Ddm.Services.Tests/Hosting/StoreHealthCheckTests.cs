using Ddm.Runs;
using Ddm.Storage.Tests;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Services.Tests.Hosting;

public sealed class StoreHealthCheckTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WhatNobodyNeedsAKeyForTellsNoNames()
    {
        var store = new CountedStore(new MemoryBlobStore())
        {
            Before = _ => Task.FromException(new UserErrorException("container 'secret' of storage account 'secret' refuses") { MayPass = true }),
        };

        var result = await Check(store).CheckHealthAsync(new HealthCheckContext(), Cancel);

        Assert.Equal(HealthStatus.Unhealthy, result.Status);
        Assert.DoesNotContain("secret", result.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AProbeThatIsGivenUpLeavesNoRequestBehind()
    {
        using var given = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var store = new SilentStore();
        var probe = Check(store).CheckHealthAsync(new HealthCheckContext(), given.Token);
        await store.Asked.Task;
        await given.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => probe);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.Request!);
    }

    private static StoreHealthCheck Check(Ddm.Storage.IBlobStore store) => new(store, NullLogger<StoreHealthCheck>.Instance);

    /// <summary>Answers nothing until it is told to stop.</summary>
    private sealed class SilentStore : Ddm.Storage.IBlobStore
    {
        public TaskCompletionSource Asked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task? Request { get; private set; }

        public Task<bool> ExistsAsync(string name, CancellationToken cancellationToken)
        {
            var silence = new TaskCompletionSource<bool>();
            cancellationToken.Register(() => silence.TrySetCanceled(cancellationToken));
            Request = silence.Task;
            Asked.SetResult();
            return silence.Task;
        }

        public Task<Ddm.Storage.BlobContent?> ReadAsync(string name, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<Stream?> OpenReadAsync(string name, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<string?> TryWriteAsync(string name, ReadOnlyMemory<byte> content, Ddm.Storage.WriteCondition condition, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<bool> TryWriteStreamAsync(string name, Func<Stream, CancellationToken, Task> write, Ddm.Storage.WriteCondition condition, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task DeleteAsync(string name, CancellationToken cancellationToken) => throw new NotSupportedException();

        public IAsyncEnumerable<Ddm.Storage.BlobInfo> ListAsync(string prefix, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
