using Ddm.Runs;
using Ddm.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Services.Tests;

/// <summary>What the control plane's own loop does about runs that do not go on.</summary>
public sealed class RunKeeperTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AFailedRunIsTakenFromItsWorkersAndLetGoUntilItIsTakenUpAgain()
    {
        await using var shop = new SliceWorkshop();
        var leases = new LeaseWrites(shop);
        var reconciler = Reconciler(shop);
        using var keeper = Keeper(shop, reconciler);
        await keeper.StartAsync(Cancel);
        await leases.NextAsync(); // it looks at the run
        await shop.Runs.FailAsync(SliceWorkshop.Run, "the disk of a worker", refused: true, Cancel); // by that worker, say
        keeper.Wake(SliceWorkshop.Run);
        await leases.NextAsync(); // and gives it back
        foreach (var role in (Role[])[Role.Expert(0), Role.Expert(1), Role.Router])
        {
            Assert.True((await shop.HeadAsync(role))!.Held);
        }

        Assert.Equal("", (await shop.Store.ReadJsonAsync<ReconcilerLease>(BlobNames.Reconciler(SliceWorkshop.Run), Cancel))!.Value.Value.Worker);
        Assert.Equal(RunStatus.Cancelled, (await shop.Control.CancelAsync(SliceWorkshop.Run, Cancel)).Status);

        shop.Sent.Clear();
        await shop.Control.RetryAsync(SliceWorkshop.Run, Cancel);
        Assert.False((await shop.HeadAsync())!.Held);
        await keeper.StopAsync(Cancel);
        await reconciler.ReconcileAsync(SliceWorkshop.Run, Cancel);
        Assert.Equal(3, shop.Sent.Count); // what was sent before it failed is forgotten
    }

    [Fact]
    public async Task OneUnreadableHeadKeepsNoOtherRoleFromBeingHeldAndAPersonsWordStands()
    {
        await using var shop = new SliceWorkshop();
        await shop.Store.TryWriteAsync(BlobNames.Head(SliceWorkshop.Run, Role.Expert(0)), "{"u8.ToArray(), WriteCondition.Any, Cancel);
        await shop.Control.PauseAsync(SliceWorkshop.Run, Cancel);
        Assert.True((await shop.HeadAsync(Role.Expert(1)))!.Held);

        Assert.Null(await shop.Runs.FailAsync(SliceWorkshop.Run, "a worker that was late", refused: false, Cancel));
        Assert.Equal(RunStatus.Paused, (await shop.Runs.GetAsync(SliceWorkshop.Run, Cancel)).Status);
    }

    [Fact]
    public async Task AStoreThatRefusesThisProcessFailsNoRun()
    {
        await using var shop = new SliceWorkshop();
        using var keeper = Keeper(shop, Reconciler(shop));
        using var refused = new SemaphoreSlim(0);
        shop.Store.Before = call =>
        {
            if (!call.StartsWith("read " + BlobNames.Head(SliceWorkshop.Run, Role.Expert(0)), StringComparison.Ordinal))
            {
                return Task.CompletedTask;
            }

            refused.Release();
            return Task.FromException(new UserErrorException("container 'c' refuses to read (AuthenticationFailed, HTTP 403).") { MayPass = true });
        };
        await keeper.StartAsync(Cancel);
        await refused.WaitAsync(Cancel);
        keeper.Wake(SliceWorkshop.Run);
        await refused.WaitAsync(Cancel); // it looks again: the first look is over
        await keeper.StopAsync(Cancel);
        shop.Store.Before = null;
        Assert.Equal(RunStatus.Running, (await shop.Runs.GetAsync(SliceWorkshop.Run, Cancel)).Status);
    }

    private static Reconciler Reconciler(SliceWorkshop shop) => new(
        shop.Runs,
        new RunObserver(shop.Store, shop.Checkpoints, shop.Identity, shop.Settings),
        shop.Checkpoints,
        shop.Events,
        shop,
        new DispatchLedger(new WorkerSettings(), shop.Time),
        new PoolPlacement(shop.Checkpoints, new KnownWorkers(shop.Store, new WorkerDirectory(shop.Store), shop.Time), shop.Events, shop, shop.Settings),
        shop.Progress);

    private static RunKeeper Keeper(SliceWorkshop shop, Reconciler reconciler) => new(
        shop.Runs,
        reconciler,
        shop.Control,
        new ReconcilerLeases(shop.Store, shop.Identity, shop.Events, shop.Time),
        shop.Progress,
        shop.Settings with { ReconcileEvery = TimeSpan.FromMilliseconds(100) },
        shop.Time,
        NullLogger<RunKeeper>.Instance);

    /// <summary>Tells when the run's lease is written: the clock stands still, so that it is taken and given back and never renewed.</summary>
    private sealed class LeaseWrites
    {
        private readonly SemaphoreSlim written = new(0);

        public LeaseWrites(SliceWorkshop shop) => shop.Store.After = call =>
        {
            if (call == "write " + BlobNames.Reconciler(SliceWorkshop.Run))
            {
                written.Release();
            }

            return Task.CompletedTask;
        };

        public Task NextAsync() => written.WaitAsync(Cancel);
    }
}
