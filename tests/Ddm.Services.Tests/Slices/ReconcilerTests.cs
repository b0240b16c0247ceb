using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services.Tests;

/// <summary>Looks of the reconciler at training: what it sends and where to, what it leaves to workers, what it costs.</summary>
public sealed class ReconcilerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WorkersSendTheirSuccessorsAndOnlyWhatStandsStillIsSentAgain()
    {
        await using var shop = new SliceWorkshop();
        var reconciler = Reconciler(shop);
        await LookAsync(shop, reconciler);
        Assert.Equal(["experts/0 0 local", "experts/1 0 local", "router 0 router"], Take(shop));

        shop.Waiting = 1;
        await shop.Handler().HandleAsync(new TrainSlice(SliceWorkshop.Run, "experts/0", 0), Cancel);
        Take(shop);
        await LookAsync(shop, reconciler);
        Assert.Empty(Take(shop)); // experts/0 went on: its successor is on its way; the others wait in their queue

        shop.Time.Advance(TimeSpan.FromMinutes(2));
        shop.Waiting = 3;
        await LookAsync(shop, reconciler);
        Assert.Empty(Take(shop)); // as many messages as roles: the queue is long, nothing is lost
        shop.Waiting = 0;
        shop.Time.Advance(TimeSpan.FromMinutes(4));
        await LookAsync(shop, reconciler);
        Assert.Equal(3, Take(shop).Length); // the broker was wiped
    }

    /// <summary>Whose message is lost has waited longest, for queues are served in order; the others' are not doubled.</summary>
    [Fact]
    public async Task OnlyAsManyMessagesAreSentAgainAsAreMissing()
    {
        await using var shop = new SliceWorkshop(experts: 4, pools: ", pools: [a100]");
        await WorkerAsync(shop, "a:1", "a100", rate: 1);
        var reconciler = Reconciler(shop);
        await LookAsync(shop, reconciler);
        Assert.Equal(5, Take(shop).Length);
        foreach (var (expert, minutes) in new[] { (0, 1), (1, 1), (3, 1) })
        {
            shop.Time.Advance(TimeSpan.FromMinutes(minutes));
            await shop.Checkpoints.GrantAsync(SliceWorkshop.Run, Role.Expert(expert), "a100", Cancel); // as a move does: sent at once
            await reconciler.ReconcileAsync(SliceWorkshop.Run, Role.Expert(expert).Path, Cancel);
        }

        Take(shop);
        shop.Time.Advance(TimeSpan.FromMinutes(10));
        shop.Waiting = 4; // of five: which is lost nobody can see
        await LookAsync(shop, reconciler);
        Assert.Equal(["experts/2 0 a100"], Take(shop));

        shop.Waiting = 5;
        shop.Time.Advance(TimeSpan.FromMinutes(5));
        await LookAsync(shop, reconciler);
        Assert.Empty(Take(shop));
        shop.Time.Advance(TimeSpan.FromMinutes(40)); // the messages may be another run's
        await LookAsync(shop, reconciler);
        Assert.Equal(5, Take(shop).Length);
    }

    [Fact]
    public async Task RolesGoWhereTheyAreExpectedToBeDoneFirstAndElsewhereWhenNobodyTakesThem()
    {
        await using var shop = new SliceWorkshop(pools: ", pools: [a100, t4]", experts: 6);
        await WorkerAsync(shop, "fast:1", "a100", rate: 300);
        await WorkerAsync(shop, "slow:1", "t4", rate: 100);
        var reconciler = Reconciler(shop);
        await LookAsync(shop, reconciler);
        var sent = Take(shop).Where(s => s.StartsWith("experts", StringComparison.Ordinal)).ToArray();
        Assert.Equal((5, 1), (sent.Count(s => s.EndsWith("a100", StringComparison.Ordinal)), sent.Count(s => s.EndsWith("t4", StringComparison.Ordinal))));

        // The fast worker dies: after a while its roles are the slow one's, and messages that come to the old queue late are void.
        shop.Memory.Now += TimeSpan.FromMinutes(5);
        shop.Time.Advance(TimeSpan.FromMinutes(5));
        await WorkerAsync(shop, "slow:1", "t4", rate: 100);
        await LookAsync(shop, reconciler);
        Assert.All(Take(shop).Where(s => s.StartsWith("experts", StringComparison.Ordinal)), s => Assert.EndsWith("t4", s, StringComparison.Ordinal));
        Assert.NotEmpty(await shop.EventsAsync(RunEvent.Placed));
        Assert.Equal("t4", (await shop.HeadAsync())!.Pool);
        await shop.Handler().HandleAsync(new TrainSlice(SliceWorkshop.Run, "experts/0", 0, "a100"), Cancel);
        Assert.Equal(0, (await shop.HeadAsync())!.Step);
    }

    [Fact]
    public async Task APoolWithoutWorkersIsShownWithWhatWaitsForIt()
    {
        await using var shop = new SliceWorkshop(pools: ", pools: [a100]");
        await WorkerAsync(shop, "other:1", "a100", rate: 1, SliceWorkshop.Numerics with { Device = "cuda-sm80" });
        await LookAsync(shop, Reconciler(shop));
        Assert.Contains("experts/0 0 a100", Take(shop)); // a queue with something in it is what makes workers come
        Assert.Contains(await shop.EventsAsync(RunEvent.NoWorker), text => text.Contains("pool 'a100'", StringComparison.Ordinal) && text.Contains("cpu-avx2", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AHoldThatNobodyMeantIsMended()
    {
        await using var shop = new SliceWorkshop();
        await shop.Checkpoints.HoldAsync(SliceWorkshop.Run, SliceWorkshop.Expert, Cancel); // a pause that was cut off before its document, say
        await LookAsync(shop, Reconciler(shop));
        Assert.False((await shop.HeadAsync())!.Held);
        Assert.Contains("experts/0 0 local", Take(shop));
    }

    [Fact]
    public async Task APauseThatComesWhileAHoldIsMendedStands()
    {
        await using var shop = new SliceWorkshop();
        await shop.Checkpoints.HoldAsync(SliceWorkshop.Run, SliceWorkshop.Expert, Cancel);
        var isPaused = false;
        shop.Store.Before = async call =>
        {
            if (!isPaused && call == "write " + BlobNames.Head(SliceWorkshop.Run, SliceWorkshop.Expert))
            {
                isPaused = true;
                await shop.Control.PauseAsync(SliceWorkshop.Run, Cancel); // finds the role held already, and leaves it
            }
        };
        await LookAsync(shop, Reconciler(shop));
        Assert.True(isPaused);
        Assert.True((await shop.HeadAsync())!.Held);
        Assert.Empty(Take(shop));
    }

    [Theory]
    [InlineData(8, 100)]
    [InlineData(64, 1000)]
    public void ASliceCostsTenCallsAndListsNothing(int workers, int roles) => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop(steps: 200, experts: roles, execution: "slice_seconds: 20, commit_seconds: 20") { Waiting = 1 };
        var reconciler = Reconciler(shop);
        await LookAsync(shop, reconciler);
        var handlers = Enumerable.Range(0, workers)
            .Select(w => shop.Handler(new WorkerIdentity(FormattableString.Invariant($"w{w}:1"), _ => false) { Host = FormattableString.Invariant($"w{w}") })).ToArray();
        var queue = new Queue<TrainSlice>(shop.Sent.Cast<TrainSlice>());
        shop.Sent.Clear();
        shop.Store.Calls.Clear();
        var slices = 0;
        for (; queue.TryDequeue(out var slice); slices++)
        {
            await handlers[slices % workers].HandleAsync(slice, Cancel);
            shop.Sent.ForEach(next => queue.Enqueue((TrainSlice)next));
            shop.Sent.Clear();
            foreach (var role in shop.Advanced.ToArray())
            {
                await reconciler.ReconcileAsync(SliceWorkshop.Run, role, Cancel);
            }

            shop.Advanced.Clear();
            if (slices < (2 * roles) + 9)
            {
                shop.Store.Calls.Clear(); // first turns look whether the role had checkpoints; those counted read one, write one and delete one, all cold
            }
            else if (slices == (2 * roles) + 98)
            {
                break;
            }
        }

        Assert.DoesNotContain(shop.Store.Calls, call => call.StartsWith("list ", StringComparison.Ordinal));
        Assert.True(shop.Store.Calls.Count <= 10 * 90, $"{shop.Store.Calls.Count} calls in 90 slices, at the end {string.Join(", ", shop.Store.Calls.TakeLast(24))}");
    });

    private static string[] Take(SliceWorkshop shop)
    {
        var sent = shop.Sent.Cast<TrainSlice>().Select(s => $"{s.RolePath} {s.FromStep} {s.Pool}").ToArray();
        shop.Sent.Clear();
        return sent;
    }

    private static Task LookAsync(SliceWorkshop shop, Reconciler reconciler) => reconciler.ReconcileAsync(SliceWorkshop.Run, Cancel);

    private static Reconciler Reconciler(SliceWorkshop shop) => new(
        shop.Runs,
        new RunObserver(shop.Store, shop.Checkpoints, shop.Identity, shop.Settings),
        shop.Checkpoints,
        shop.Events,
        shop,
        new DispatchLedger(new WorkerSettings(), shop.Time),
        new PoolPlacement(shop.Checkpoints, new KnownWorkers(shop.Store, new WorkerDirectory(shop.Store), shop.Time), shop.Events, shop, shop.Settings),
        shop.Progress);

    private static Task<string?> WorkerAsync(SliceWorkshop shop, string name, string pool, double rate, NumericsClass? numerics = null) => shop.Store.TryWriteJsonAsync(
        BlobNames.Worker(WorkerPresence.Encode(name)),
        new WorkerRecord
        {
            Schema = WorkerRecord.CurrentSchema,
            Name = name,
            Host = name,
            Pool = pool,
            Numerics = numerics ?? SliceWorkshop.Numerics,
            Rates = new Dictionary<string, double> { ["tiny experts"] = rate },
        },
        WriteCondition.Any,
        Cancel);
}
