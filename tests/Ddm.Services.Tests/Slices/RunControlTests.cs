using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services.Tests;

/// <summary>Pause, resume, cancel, retry, move: by raised epochs, whoever trains.</summary>
public sealed class RunControlTests
{
    private static readonly TrainSlice First = new(SliceWorkshop.Run, "experts/0", 0);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void APauseTakesTheRoleFromWhoeverTrainsItAndAResumeLetsItGoOnFromItsLastCommit() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop();
        Task<RunDocument>? pausing = null;
        shop.Trainers.OnStep = step => pausing ??= step == 100 ? shop.Control.PauseAsync(SliceWorkshop.Run, Cancel) : null;
        var handler = shop.Handler();
        await handler.HandleAsync(First, Cancel);
        Assert.Equal(RunStatus.Paused, (await pausing!).Status);

        var head = (await shop.HeadAsync())!;
        Assert.True(head.Held);
        Assert.InRange(head.Step, 60, 63); // what was not committed is not
        Assert.Empty(shop.Sent);
        Assert.Single(await shop.EventsAsync(RunEvent.Paused));
        await handler.HandleAsync(First with { FromStep = head.Step }, Cancel);
        Assert.Equal(head, await shop.HeadAsync());

        var epoch = head.Epoch;
        Assert.Equal(RunStatus.Running, (await shop.Control.ResumeAsync(SliceWorkshop.Run, Cancel)).Status);
        shop.Trainers.OnStep = null;
        await handler.HandleAsync(First with { FromStep = head.Step }, Cancel);
        head = (await shop.HeadAsync())!;
        Assert.Equal((1000, epoch + 1, PlainTrainers.StateAt(SliceWorkshop.Expert, 1000)), (head.Step, head.Epoch, await shop.StateAsync()));
    });

    [Fact]
    public async Task APausedRunIsHeldAlsoForRolesThatNobodyHasClaimedYet()
    {
        await using var shop = new SliceWorkshop();
        await shop.Handler().HandleAsync(new TrainSlice(SliceWorkshop.Run, "router", 0), Cancel);
        await shop.Control.PauseAsync(SliceWorkshop.Run, Cancel);
        await shop.Control.PauseAsync(SliceWorkshop.Run, Cancel); // again: nothing more
        Assert.Single(await shop.EventsAsync(RunEvent.Paused));
        Assert.True((await shop.HeadAsync(SliceWorkshop.Expert))!.Held);
        await shop.Handler().HandleAsync(First, Cancel);
        Assert.Equal(0, (await shop.HeadAsync())!.Step);
    }

    [Fact]
    public async Task WhatCannotBeIsSaidWithItsRemedy()
    {
        await using var shop = new SliceWorkshop(pools: ", pools: [a100, t4]");
        async Task RefusedAsync(Func<Task> ask, string says)
            => Assert.Equal(says, (await Assert.ThrowsAsync<UserErrorException>(ask)).Message);

        await RefusedAsync(() => shop.Control.RetryAsync(SliceWorkshop.Run, Cancel), "run 'tiny' neither failed nor was cancelled, it is running.");
        await RefusedAsync(() => shop.Control.MoveAsync(SliceWorkshop.Run, Role.Expert(7), "t4", Cancel), "run 'tiny' has no role experts/7: it has experts/0 to experts/1 and router.");
        await RefusedAsync(() => shop.Control.MoveAsync(SliceWorkshop.Run, Role.Expert(0), "h100", Cancel), "experts/0 of run 'tiny' may not be trained in pool 'h100': its spec names a100, t4.");
        await RefusedAsync(
            () => shop.Control.MoveAsync(SliceWorkshop.Run, Role.Expert(0), "T 4", Cancel), "'T 4' cannot name a pool; expected 1 to 40 of a-z, 0-9 and '-', starting with a letter or digit.");
        await RefusedAsync(() => shop.Control.RedriveAsync(SliceWorkshop.Run, Role.Expert(0), Cancel), "experts/0 of run 'tiny' neither failed nor was set aside: it is being trained.");
        await shop.Control.CancelAsync(SliceWorkshop.Run, Cancel);
        await RefusedAsync(() => shop.Control.ResumeAsync(SliceWorkshop.Run, Cancel), "run 'tiny' is not paused, it was cancelled. 'ddm retry tiny' takes it up again.");
        await RefusedAsync(() => shop.Control.PauseAsync(SliceWorkshop.Run, Cancel), "run 'tiny' cannot be paused: it was cancelled. 'ddm retry tiny' takes it up again.");
        Assert.Equal(RunStatus.Running, (await shop.Control.RetryAsync(SliceWorkshop.Run, Cancel)).Status);
    }

    [Fact]
    public async Task ARetryForgetsFailuresThatNobodyHasReadYetToo()
    {
        await using var shop = new SliceWorkshop();
        var unread = BlobNames.RoleFailure(SliceWorkshop.Run, Role.Expert(1));
        await shop.Store.TryWriteJsonAsync(unread, new RoleFailure("late", 0, shop.Time.GetUtcNow()), WriteCondition.Any, Cancel);
        await shop.Runs.FailAsync(SliceWorkshop.Run, "the router failed", refused: false, Cancel);
        await shop.Control.RetryAsync(SliceWorkshop.Run, Cancel);
        Assert.False(await shop.Store.ExistsAsync(unread, Cancel));
    }

    [Fact]
    public async Task ABrokerThatIsAwayHoldsUpNoMoveAndTheNextLookIsAskedToSend()
    {
        await using var shop = new SliceWorkshop { SendFailure = new TimeoutException("away") };
        await shop.Control.MoveAsync(SliceWorkshop.Run, Role.Expert(1), "t4", Cancel);
        Assert.Equal("t4", (await shop.HeadAsync(Role.Expert(1)))!.Pool);
        Assert.Equal(["experts/1"], shop.Advanced);
    }

    [Fact]
    public async Task ARoleThatIsMovedIsTakenFromItsWorkerAndWaitsInTheOtherPool()
    {
        await using var shop = new SliceWorkshop();
        await shop.Handler().HandleAsync(First with { Pool = "a100" }, Cancel);
        var second = new TrainSlice(SliceWorkshop.Run, "experts/1", 0, "a100");
        await shop.Control.MoveAsync(SliceWorkshop.Run, Role.Expert(1), "t4", Cancel);
        Assert.Equal([second with { Pool = "t4", Submission = shop.Document.Submission }], shop.Sent);
        await shop.Handler().HandleAsync(second, Cancel);
        Assert.Equal(0, (await shop.HeadAsync(Role.Expert(1)))!.Step);
        await shop.Handler().HandleAsync(second with { Pool = "t4" }, Cancel);
        Assert.Equal(1000, (await shop.HeadAsync(Role.Expert(1)))!.Step);
        Assert.Equal("experts/0 of run 'tiny' cannot be moved: it has all its steps.", (await Assert.ThrowsAsync<UserErrorException>(async () =>
        {
            await shop.Runs.UpdateAsync(SliceWorkshop.Run, d => d with { Roles = [.. d.Roles.Select(r => r with { Status = RoleStatus.Complete })] }, Cancel);
            await shop.Control.MoveAsync(SliceWorkshop.Run, Role.Expert(0), "t4", Cancel);
        })).Message);
    }
}
