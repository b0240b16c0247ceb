using Ddm.Runs;
using Ddm.Storage;
using Ddm.Storage.Tests;

namespace Ddm.Services.Tests;

/// <summary>States on a worker's own disk, where the line to the store is slow.</summary>
public sealed class LocalCheckpointTests
{
    private const string SlowLine = "slice_seconds: 20, commit_seconds: 10";
    private static readonly TrainSlice First = new(SliceWorkshop.Run, "experts/0", 0);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void WhatWasKeptOutlivesItsProcessAndTheWeightsAreTheSame() => SingleThread.Run(async () =>
    {
        var disk = new MemoryBlobStore();
        await using var shop = Shop(disk);
        await CrashAsync(shop, at: 350);
        var committed = (await shop.HeadAsync())!.Step;
        Assert.NotEmpty(await NamesAsync(disk));

        await GoOnAsync(shop, committed);
        var loaded = Loaded(shop);
        Assert.True(loaded > committed + 10, $"committed {committed}, gone on from {loaded}");
        Assert.InRange(loaded, 350 - 25, 350); // at most two intervals are lost, of which the spec asks for ten steps each
        Assert.Equal((600, PlainTrainers.StateAt(SliceWorkshop.Expert, 600)), ((await shop.HeadAsync())!.Step, await shop.StateAsync()));
        var links = (await shop.Checkpoints.HistoryAsync(SliceWorkshop.Run, SliceWorkshop.Expert, Cancel)).Select(c => (c.Manifest.FromStep, c.Manifest.Step)).Reverse().ToArray();
        Assert.All(links.Zip(links.Skip(1)), pair => Assert.Equal(pair.First.Step, pair.Second.FromStep));
        Assert.Contains(shop.Progress.Notices, notice => notice.Contains($"goes on from step {loaded}, kept on this machine; step {committed} is committed", StringComparison.Ordinal));
        Assert.Empty(await NamesAsync(disk)); // the last commit has it all
    });

    [Fact]
    public void WhereAnotherCommittedSinceWhatWasKeptIsWorthNothing() => SingleThread.Run(async () =>
    {
        var disk = new MemoryBlobStore();
        await using var shop = Shop(disk);
        await CrashAsync(shop, at: 350);
        var committed = (await shop.HeadAsync())!.Step;
        await CommitElsewhereAsync(shop, committed, committed + 6);

        await GoOnAsync(shop, committed + 6);
        Assert.Equal(committed + 6, Loaded(shop));
        Assert.Equal(PlainTrainers.StateAt(SliceWorkshop.Expert, 600), await shop.StateAsync());
    });

    [Theory]
    [InlineData(PlainTrainers.Part)]
    [InlineData("manifest.json")]
    public void WhatIsDamagedIsPassedOver(string part) => SingleThread.Run(async () =>
    {
        var disk = new MemoryBlobStore();
        await using var shop = Shop(disk);
        await CrashAsync(shop, at: 350);
        var committed = (await shop.HeadAsync())!.Step;
        await disk.TryWriteAsync((await NamesAsync(disk)).Single(name => name.EndsWith(part, StringComparison.Ordinal)), "{\"x\": 1}"u8.ToArray(), WriteCondition.Any, Cancel);

        await GoOnAsync(shop, committed);
        Assert.Equal(committed, Loaded(shop));
        Assert.Equal(PlainTrainers.StateAt(SliceWorkshop.Expert, 600), await shop.StateAsync());
    });

    [Fact]
    public void AStopWhoseCommitWouldNotFitTheNoticeIsKept() => SingleThread.Run(async () =>
    {
        var disk = new MemoryBlobStore();
        await using var shop = Shop(disk);
        shop.Settings = new WorkerSettings { StopNotice = TimeSpan.FromSeconds(1) };
        shop.Trainers.OnStep = step => { if (step == 350) { shop.Stop.Raise(); } };
        await shop.Handler().HandleAsync(First, Cancel);
        Assert.InRange((await shop.HeadAsync())!.Step, 1, 349);
        Assert.Contains(shop.Progress.Notices, notice => notice.EndsWith("to 351 are kept on this machine.", StringComparison.Ordinal));
        Assert.Contains(await NamesAsync(disk), name => name.Contains("/000000000351-", StringComparison.Ordinal));
    });

    [Fact]
    public void ADiskThatTakesNothingIsToldOnceAndDoneWithout() => SingleThread.Run(async () =>
    {
        await using var shop = Shop(new CountedStore(new MemoryBlobStore()) { Before = _ => Task.FromException(new IOException("disk full")) });
        await shop.Handler().HandleAsync(First, Cancel);
        Assert.Equal((600, PlainTrainers.StateAt(SliceWorkshop.Expert, 600)), ((await shop.HeadAsync())!.Step, await shop.StateAsync()));
        Assert.Single(shop.Progress.Notices, notice => notice.Contains("disk full", StringComparison.Ordinal) && notice.Contains("Ddm:LocalFolder", StringComparison.Ordinal));
        Assert.Equal(0, shop.Trainers.Snapshots);
    });

    [Fact]
    public void WhereCommitsComeInTimeNothingIsKept() => SingleThread.Run(async () =>
    {
        var disk = new CountedStore(new MemoryBlobStore());
        await using var shop = new SliceWorkshop(steps: 600, execution: SlowLine) { Disk = disk };
        await shop.Handler().HandleAsync(First, Cancel);
        Assert.DoesNotContain(disk.Calls, call => call.StartsWith("stream ", StringComparison.Ordinal));
    });

    [Fact]
    public async Task WhatNobodyTouchedForAWeekIsLetGo()
    {
        var disk = new MemoryBlobStore();
        await using var shop = Shop(disk);
        SingleThread.Run(() => CrashAsync(shop, at: 350));
        var kept = new LocalCheckpoints(disk, shop.Time);
        disk.Now += TimeSpan.FromDays(6);
        await kept.ForgetOldAsync(TimeSpan.FromDays(7), Cancel);
        Assert.NotEmpty(await NamesAsync(disk));
        disk.Now += TimeSpan.FromDays(2);
        await kept.ForgetOldAsync(TimeSpan.FromDays(7), Cancel);
        Assert.Empty(await NamesAsync(disk));
    }

    // A commit takes six seconds, so that commits soon come every two minutes where the spec asks for one every ten seconds.
    private static SliceWorkshop Shop(IBlobStore disk)
    {
        var shop = new SliceWorkshop(steps: 600, execution: SlowLine) { Disk = disk };
        shop.Store.Before = call =>
        {
            shop.Time.Advance(call.StartsWith("stream ", StringComparison.Ordinal) ? TimeSpan.FromSeconds(6) : TimeSpan.Zero);
            return Task.CompletedTask;
        };
        return shop;
    }

    private static async Task CrashAsync(SliceWorkshop shop, long at)
    {
        shop.Trainers.OnStep = step => { if (step == at) { throw new InvalidOperationException("gone"); } };
        await Assert.ThrowsAsync<InvalidOperationException>(() => shop.Handler().HandleAsync(First, Cancel));
        shop.Trainers.OnStep = null;
        shop.Trainers.Loads.Clear();
    }

    private static Task GoOnAsync(SliceWorkshop shop, long from) => shop.Handler(new WorkerIdentity("one:2", _ => true) { Host = "one" }).HandleAsync(First with { FromStep = from }, Cancel);

    private static async Task CommitElsewhereAsync(SliceWorkshop shop, long from, long to)
    {
        var outcome = await shop.Checkpoints.ClaimAsync(SliceWorkshop.Run, SliceWorkshop.Expert, "two:1", _ => true, TimeSpan.FromMinutes(1), Cancel);
        var claim = Assert.IsType<ClaimOutcome.Claimed>(outcome).Claim;
        await shop.Checkpoints.OpenAsync(claim, null, Cancel);
        var state = System.Text.Encoding.UTF8.GetBytes(PlainTrainers.StateAt(SliceWorkshop.Expert, to));
        Assert.IsType<CommitOutcome.Committed>(await shop.Checkpoints.CommitAsync(
            claim,
            new CommitRequest
            {
                Step = to,
                FromStep = from,
                DataManifestSha256 = "da7a",
                Numerics = SliceWorkshop.Numerics,
                Parts = [(PlainTrainers.Part, (stream, token) => stream.WriteAsync(state, token).AsTask())],
                GivesBack = true,
            },
            Cancel));
    }

    private static long Loaded(SliceWorkshop shop) => long.Parse(Assert.Single(shop.Trainers.Loads).Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);

    private static async Task<string[]> NamesAsync(MemoryBlobStore store)
    {
        var names = new List<string>();
        await foreach (var blob in store.ListAsync("", Cancel))
        {
            names.Add(blob.Name);
        }

        return [.. names];
    }
}
