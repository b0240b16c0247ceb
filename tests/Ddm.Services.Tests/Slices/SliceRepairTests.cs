using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services.Tests;

/// <summary>Roles that fail, machines that fail, and workers that cannot.</summary>
public sealed class SliceRepairTests
{
    private static readonly TrainSlice First = new(SliceWorkshop.Run, "experts/0", 0);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public void ARoleThatFailsOnSeveralMachinesIsSetAsideAndOneThatFailsOnOneMuchLater(int machines, bool quarantined) => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop();
        shop.Trainers.OnStep = _ => throw new InvalidOperationException("dies");
        await DieAsync(5);
        Assert.Equal(5, (await shop.HeadAsync())!.Attempts);
        if (!quarantined)
        {
            await DieAsync(10);
            Assert.False(await shop.Store.ExistsAsync(BlobNames.RoleFailure(SliceWorkshop.Run, SliceWorkshop.Expert), Cancel));
            await Handler(0).HandleAsync(First, Cancel); // there is nowhere else to try it
            Assert.True(await shop.Store.ExistsAsync(BlobNames.RoleFailure(SliceWorkshop.Run, SliceWorkshop.Expert), Cancel));
            return;
        }

        await shop.Handler().HandleAsync(First, Cancel);
        var failure = await shop.Store.ReadJsonAsync<RoleFailure>(BlobNames.RoleFailure(SliceWorkshop.Run, SliceWorkshop.Expert), Cancel);
        Assert.StartsWith("5 slices in a row ended without a commit, on host0, host1: it is set aside at step 0.", failure!.Value.Value.Reason, StringComparison.Ordinal);
        Assert.Single(await shop.EventsAsync(RunEvent.Quarantined));
        Assert.Equal(["experts/0"], shop.Advanced);

        // A person takes it up again, and nothing is held against it.
        shop.Trainers.OnStep = null;
        await shop.Control.RedriveAsync(SliceWorkshop.Run, Role.Expert(0), Cancel);
        await shop.Handler().HandleAsync(First, Cancel);
        Assert.Equal(1000, (await shop.HeadAsync())!.Step);

        TrainSliceHandler Handler(int tries) => shop.Handler(new WorkerIdentity($"host{tries % machines}:{tries}", _ => false) { Host = $"host{tries % machines}" });

        async Task DieAsync(int times)
        {
            for (var tries = 0; tries < times; tries++)
            {
                await Assert.ThrowsAsync<InvalidOperationException>(() => Handler(tries).HandleAsync(First, Cancel));
                shop.Memory.Now += TimeSpan.FromMinutes(6); // past every wait
            }
        }
    });

    [Fact]
    public void ClaimsAreCountedBeforeTheirWorkAndWaitLongerEachTime() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop();
        shop.Trainers.OnStep = _ => throw new InvalidOperationException("dies");
        var tries = 0;
        foreach (var wait in new[] { 0, 10, 20, 40 })
        {
            await Assert.ThrowsAsync<InvalidOperationException>(() => shop.Handler().HandleAsync(First, Cancel));
            var head = (await shop.HeadAsync())!;
            Assert.Equal(++tries, head.Attempts);
            Assert.Equal(wait, head.NotBefore is { } until ? (until - shop.Memory.Now).TotalSeconds : 0);
            if (wait > 0)
            {
                await shop.Handler().HandleAsync(First, Cancel); // too early
                Assert.Equal(head, await shop.HeadAsync());
            }

            shop.Memory.Now += TimeSpan.FromSeconds(wait);
        }
    });

    [Fact]
    public void ACommitForgetsFailures() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop { Waiting = 1 };
        shop.Trainers.OnStep = _ => throw new InvalidOperationException("dies");
        await Assert.ThrowsAsync<InvalidOperationException>(() => shop.Handler().HandleAsync(First, Cancel));
        shop.Trainers.OnStep = null;
        await shop.Handler().HandleAsync(First, Cancel);
        var head = (await shop.HeadAsync())!;
        Assert.Equal((0, null, null), (head.Attempts, head.Tried, head.NotBefore));
    });

    [Fact]
    public void AMachineOnWhichEverythingFailsTakesNoMore() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop();
        var presence = new WorkerPresence(shop.Store, shop.Identity, shop.Settings, shop.Trainers, shop.Time);
        for (var tries = 0; tries < 6; tries++)
        {
            presence.Begin(SliceWorkshop.Run, SliceWorkshop.Expert);
            presence.End(SliceWorkshop.Run, SliceWorkshop.Expert, committed: false, forgiven: false, 0);
        }

        Assert.Null(presence.Cordoned); // one role alone: that role's fault
        presence.End(SliceWorkshop.Run, Role.Router, committed: false, forgiven: false, 0);
        Assert.Contains("experts/0, tiny router", presence.Cordoned, StringComparison.Ordinal);
        await presence.RenewAsync(Cancel);

        // Another process of the machine, after this one died: it is as bad.
        shop.Memory.Now += TimeSpan.FromMinutes(2);
        var next = new WorkerPresence(shop.Store, shop.Identity with { Name = "one:2" }, shop.Settings, shop.Trainers, shop.Time);
        await next.InheritAsync(await new WorkerDirectory(shop.Store).ReadAsync(Cancel), Cancel);
        Assert.NotNull(next.Cordoned);
        Assert.Equal("one:2", Assert.Single(await new WorkerDirectory(shop.Store).ReadAsync(Cancel)).Record.Name);
        await shop.Store.DeleteAsync(BlobNames.Worker("one-2"), Cancel); // a person has looked
        await next.RenewAsync(Cancel);
        Assert.Null(next.Cordoned);
    });

    /// <summary>It may be the only machine there is: it never rests for good.</summary>
    [Fact]
    public void ACordonedMachineTriesAgainAfterARestThatDoublesAndACommitEndsIt() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop();
        var presence = new WorkerPresence(shop.Store, shop.Identity, shop.Settings, shop.Trainers, shop.Time);
        Fail(4);
        foreach (var minutes in new[] { 10, 20, 40, 60, 60 })
        {
            Assert.Contains($"after {minutes} min", presence.Cordoned, StringComparison.Ordinal);
            shop.Time.Advance(TimeSpan.FromMinutes(minutes) - TimeSpan.FromSeconds(1));
            Assert.NotNull(presence.Describe().Cordoned);
            shop.Time.Advance(TimeSpan.FromSeconds(1));
            Assert.Null(presence.Cordoned);
            Assert.Null(presence.Describe().Cordoned); // placement counts on it again
            Fail(1);
        }

        shop.Time.Advance(TimeSpan.FromHours(1));
        presence.End(SliceWorkshop.Run, SliceWorkshop.Expert, committed: true, forgiven: false, 1);
        Fail(1);
        Assert.Null(presence.Cordoned); // counted anew

        void Fail(int times)
        {
            for (var i = 0; i < times; i++)
            {
                presence.End(SliceWorkshop.Run, i % 2 == 0 ? SliceWorkshop.Expert : Role.Router, committed: false, forgiven: false, 0);
            }
        }
    });

    [Fact]
    public void AWorkerThatCannotComputeInTheRolesClassHandsTheSliceBackAndSaysSo() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop();
        shop.Trainers.Able = _ => false;
        var work = shop.Handler().HandleAsync(First, Cancel);
        Assert.Empty(shop.Sent); // not at once: those that can should be quicker
        shop.Time.Advance(TimeSpan.FromSeconds(5));
        await work;
        Assert.Equal([First], shop.Sent);
        Assert.Null(await shop.HeadAsync());
        Assert.Contains(shop.Progress.Notices, notice => notice.Contains("declines experts/0", StringComparison.Ordinal) && notice.Contains("cpu-avx2", StringComparison.Ordinal));
    });
}
