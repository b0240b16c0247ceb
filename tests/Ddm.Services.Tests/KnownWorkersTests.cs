using Ddm.Runs;

namespace Ddm.Services.Tests;

/// <summary>Workers are listed when one came, and else read by name.</summary>
public sealed class KnownWorkersTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task NobodyIsListedTwiceUnlessSomebodyCame()
    {
        await using var shop = new SliceWorkshop();
        var known = new KnownWorkers(shop.Store, new WorkerDirectory(shop.Store), shop.Time);
        var first = Presence(shop, "a:1");
        await first.RenewAsync(Cancel);
        Assert.Equal(["a:1 True"], await ReadAsync(shop, known));
        Assert.Equal(1, Listings(shop));

        await Presence(shop, "b:1").RenewAsync(Cancel); // within the time that what was read is fresh
        Assert.Equal(["a:1 True", "b:1 True"], await ReadLaterAsync(shop, known, TimeSpan.FromSeconds(20)));
        Assert.Equal(2, Listings(shop));

        await first.RenewAsync(Cancel);
        Assert.Equal(["a:1 True", "b:1 False"], await ReadLaterAsync(shop, known, TimeSpan.FromSeconds(50)));
        await first.LeaveAsync(Cancel);
        Assert.Equal(["b:1 False"], await ReadLaterAsync(shop, known, TimeSpan.FromSeconds(20)));
        Assert.Equal(2, Listings(shop));
        var calls = shop.Store.Calls.Count;
        await known.ReadAsync(Cancel);
        Assert.Equal(calls, shop.Store.Calls.Count);
    }

    [Fact]
    public async Task WhoComesWithoutRingingIsFoundWhereNobodyElseWillDo()
    {
        await using var shop = new SliceWorkshop();
        var known = new KnownWorkers(shop.Store, new WorkerDirectory(shop.Store), shop.Time);
        Assert.Empty(await known.ReadAsync(Cancel));
        await Presence(shop, "old:1").RenewAsync(Cancel);
        await shop.Store.DeleteAsync(BlobNames.NewestWorker, Cancel); // as one of before writes its record
        Assert.Empty(await ReadLaterAsync(shop, known, TimeSpan.FromSeconds(20)));
        Assert.Empty(await known.SearchAsync(Cancel));
        shop.Time.Advance(TimeSpan.FromSeconds(50));
        Assert.Equal("old:1", Assert.Single(await known.SearchAsync(Cancel)).Record.Name);
    }

    private static WorkerPresence Presence(SliceWorkshop shop, string name) => new(shop.Store, new WorkerIdentity(name, _ => false), shop.Settings, shop.Trainers, shop.Time);

    private static int Listings(SliceWorkshop shop) => shop.Store.Calls.Count(call => call.StartsWith("list ", StringComparison.Ordinal));

    private static Task<string[]> ReadLaterAsync(SliceWorkshop shop, KnownWorkers known, TimeSpan later)
    {
        shop.Time.Advance(later);
        shop.Memory.Now += later;
        return ReadAsync(shop, known);
    }

    private static async Task<string[]> ReadAsync(SliceWorkshop shop, KnownWorkers known)
        => [.. (await known.ReadAsync(Cancel)).Select(worker => $"{worker.Record.Name} {worker.IsAlive}").Order(StringComparer.Ordinal)];
}
