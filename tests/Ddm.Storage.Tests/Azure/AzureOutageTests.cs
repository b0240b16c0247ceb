using Ddm.Tests;

namespace Ddm.Storage.Tests;

/// <summary>The service stops and comes back while blobs are written and read.</summary>
public sealed class AzureOutageTests : IAsyncLifetime
{
    private const int Large = (24 << 20) + 7;

    private readonly AzuriteProcess _azurite = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await _azurite.InitializeAsync();

    public async ValueTask DisposeAsync() => await _azurite.DisposeAsync();

    [Fact]
    public async Task AnUploadGoesOnWhenTheServiceIsBack()
    {
        var store = BlobStores.Open(_azurite.ConnectionString("ddm"));
        var bytes = BlobStoreContract.Made(1, Large);
        var restarted = Task.CompletedTask;
        Assert.True(await store.TryWriteStreamAsync("x", async (stream, token) =>
        {
            await stream.WriteAsync(bytes.AsMemory(0, Large / 2), token);
            await _azurite.StopAsync();
            restarted = _azurite.StartAsync();
            await stream.WriteAsync(bytes.AsMemory(Large / 2), token);
        }, WriteCondition.IfAbsent, Cancel));
        await restarted;
        Assert.True((await store.ReadAsync("x", Cancel))!.Bytes.AsSpan().SequenceEqual(bytes));
    }

    [Fact]
    public async Task AnOutageThatIsWaitedOutIsSeenFromItsFirstTryToTheFirstAnswer()
    {
        var store = BlobStores.Open(_azurite.ConnectionString("ddm"));
        await store.TryWriteAsync("x", "old"u8.ToArray(), WriteCondition.Any, Cancel);
        await _azurite.StopAsync();
        var reading = store.ReadAsync("x", Cancel);
        await Waiting.ForAsync("a try has no answer", TimeSpan.FromSeconds(30), _ => Task.FromResult(store.Outages!.IsOut));
        await _azurite.StartAsync();

        Assert.Equal("old"u8.ToArray(), (await reading)!.Bytes);
        Assert.False(store.Outages!.IsOut);
    }

    [Fact]
    public async Task AnUploadThatCannotGoOnLeavesNothing()
    {
        var store = AzureConnection.Parse(_azurite.ConnectionString("ddm"), BlobStores.Setting)!.Open(deadline: TimeSpan.FromSeconds(2));
        await store.TryWriteAsync("x", "old"u8.ToArray(), WriteCondition.Any, Cancel);
        var error = await Assert.ThrowsAsync<IOException>(() => store.TryWriteStreamAsync("x", async (stream, token) =>
        {
            await stream.WriteAsync(new byte[Large / 2], token);
            await _azurite.StopAsync();
            await stream.WriteAsync(new byte[Large / 2], token);
        }, WriteCondition.Any, Cancel));
        Assert.Contains($"127.0.0.1:{_azurite.Port}", error.Message, StringComparison.Ordinal);
        await _azurite.StartAsync();
        Assert.Equal("old"u8.ToArray(), (await store.ReadAsync("x", Cancel))!.Bytes);
        Assert.Single(await store.ListAsync("", Cancel).ToListAsync(Cancel));
    }
}
