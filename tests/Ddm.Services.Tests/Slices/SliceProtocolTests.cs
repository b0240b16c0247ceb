using Ddm.Runs;

namespace Ddm.Services.Tests;

/// <summary>Turns, commits, successors, warm trainers and stops of the real handler, by a clock of the test's.</summary>
public sealed class SliceProtocolTests
{
    private static readonly TrainSlice First = new(SliceWorkshop.Run, "experts/0", 0);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void ARoleGoesOnUnderOneMessageWhileNobodyWaitsAndCommitsByTime() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop(steps: 1000);
        await shop.Handler().HandleAsync(First, Cancel);

        Assert.Equal((1000, PlainTrainers.StateAt(SliceWorkshop.Expert, 1000)), ((await shop.HeadAsync())!.Step, await shop.StateAsync()));
        Assert.Equal(["experts/0 0"], shop.Trainers.Loads);
        Assert.Empty(shop.Sent);
        Assert.Equal(["experts/0"], shop.Advanced);
        var steps = (await shop.Checkpoints.HistoryAsync(SliceWorkshop.Run, SliceWorkshop.Expert, Cancel)).Select(c => c.Manifest.Step).Reverse().ToArray();
        Assert.All(steps.Zip(steps.Skip(1)).SkipLast(1), pair => Assert.InRange(pair.Second - pair.First, 60, 63));
        Assert.InRange(steps.Length, 16, 18);
    });

    [Fact]
    public void WhereOthersWaitItCommitsAfterItsTurnAndSendsItsSuccessorToItsPool() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop { Waiting = 1 };
        var handler = shop.Handler();
        await handler.HandleAsync(First with { Pool = "a100" }, Cancel);

        var head = (await shop.HeadAsync())!;
        Assert.InRange(head.Step, 20, 22);
        Assert.Equal([new TrainSlice(SliceWorkshop.Run, "experts/0", head.Step, "a100")], shop.Sent);
        Assert.Equal(("a100", true, 0), (head.Pool, head.GivenBack, head.Attempts));

        // Its next slice reads nothing; one of another role in between does.
        await handler.HandleAsync((TrainSlice)shop.Sent[0], Cancel);
        Assert.Equal(["experts/0 0"], shop.Trainers.Loads);
        await handler.HandleAsync(new TrainSlice(SliceWorkshop.Run, "experts/1", 0), Cancel);
        await handler.HandleAsync((TrainSlice)shop.Sent[1], Cancel);
        Assert.Equal(["experts/0 0", "experts/1 0", $"experts/0 {((TrainSlice)shop.Sent[1]).FromStep}"], shop.Trainers.Loads);
        var end = (await shop.HeadAsync())!.Step;
        Assert.Equal(PlainTrainers.StateAt(SliceWorkshop.Expert, end), await shop.StateAsync());
    });

    [Fact]
    public void AMessageIsAcknowledgedBeforeTheBrokerTakesItAway() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop { Settings = new WorkerSettings { AcknowledgementTimeout = TimeSpan.FromSeconds(250) } };
        await shop.Handler().HandleAsync(First, Cancel);
        Assert.InRange((await shop.HeadAsync())!.Step, 200, 202);
        Assert.Single(shop.Sent);
    });

    [Fact]
    public void ACommitThatMetAnOutageDoesNotPutOffTheNextOnesForTwentyTimesAsLong() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop(steps: 200, execution: "slice_seconds: 20, commit_seconds: 10");
        var outage = TimeSpan.FromMinutes(10);
        shop.Store.Before = call =>
        {
            if (call.StartsWith("stream ", StringComparison.Ordinal))
            {
                shop.Time.Advance(outage);
                outage = TimeSpan.Zero;
            }

            return Task.CompletedTask;
        };
        await shop.Handler().HandleAsync(First, Cancel);

        var steps = (await shop.Checkpoints.HistoryAsync(SliceWorkshop.Run, SliceWorkshop.Expert, Cancel)).Select(c => c.Manifest.Step).Reverse().ToArray();
        Assert.All(steps.Zip(steps.Skip(1)), pair => Assert.InRange(pair.Second - pair.First, 1, 22));
    });

    [Fact]
    public void ASlowCommitComesLessOftenAndStepsGoOnMeanwhile() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop(steps: 600, execution: "slice_seconds: 20, commit_seconds: 10");
        var (underWay, most, stepsBeside) = (0, 0, 0);
        shop.Trainers.OnStep = _ => stepsBeside += underWay;
        shop.Store.Before = async call =>
        {
            if (!call.StartsWith("stream ", StringComparison.Ordinal))
            {
                return;
            }

            most = Math.Max(most, ++underWay);
            for (var turns = 0; turns < 5; turns++)
            {
                await Task.Yield(); // a step or so is made
            }

            shop.Time.Advance(TimeSpan.FromSeconds(2));
            underWay--;
        };
        await shop.Handler().HandleAsync(First, Cancel);

        var steps = (await shop.Checkpoints.HistoryAsync(SliceWorkshop.Run, SliceWorkshop.Expert, Cancel)).Select(c => c.Manifest.Step).Reverse().ToArray();
        Assert.Equal(1, most);
        Assert.True(stepsBeside > 0, "no step was made while a commit was under way");
        Assert.All(steps.Skip(2).Zip(steps.Skip(3)).SkipLast(1), pair => Assert.True(pair.Second - pair.First > 40, string.Join(' ', steps)));
        Assert.Equal(PlainTrainers.StateAt(SliceWorkshop.Expert, 600), await shop.StateAsync());
    });

    [Fact]
    public void AStopCommitsAndSendsTheSuccessor() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop();
        shop.Trainers.OnStep = step => { if (step == 33) { shop.Stop.Raise(); } };
        await shop.Handler().HandleAsync(First, Cancel);
        Assert.Equal((34, true), ((await shop.HeadAsync())!.Step, (await shop.HeadAsync())!.GivenBack));
        Assert.Equal([First with { FromStep = 34 }], shop.Sent);
        Assert.Equal([$"experts/0: {shop.Identity.Name} winds down at step 34"], await shop.EventsAsync(RunEvent.GivenBack));
    });

    [Fact]
    public void WhoTakesARoleFromASilentWorkerSaysSo() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop(steps: 100);
        await shop.Checkpoints.ClaimAsync(SliceWorkshop.Run, SliceWorkshop.Expert, "gone:1", _ => false, TimeSpan.FromMinutes(1), Cancel);
        shop.Memory.Now += TimeSpan.FromMinutes(2);
        await shop.Handler().HandleAsync(First, Cancel);

        Assert.Equal(100, (await shop.HeadAsync())!.Step);
        Assert.Equal([$"experts/0: gone:1 was silent, {shop.Identity.Name} goes on from step 0 at epoch 2"], await shop.EventsAsync(RunEvent.TakenOver));
    });

    [Fact]
    public void ADrainEndsTheTurnUnhurriedCommitsAndSendsTheSuccessor() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop { Settings = new WorkerSettings { StopNotice = TimeSpan.FromSeconds(1) } };
        shop.Store.Before = call =>
        {
            shop.Time.Advance(call.StartsWith("stream ", StringComparison.Ordinal) ? TimeSpan.FromSeconds(4) : TimeSpan.Zero); // no commit fits the notice
            return Task.CompletedTask;
        };
        shop.Trainers.OnStep = step => { if (step == 133) { shop.Stop.Drain(); } };
        await shop.Handler().HandleAsync(First, Cancel);
        Assert.InRange((await shop.HeadAsync())!.Step, 134, 140);
        Assert.Equal([First with { FromStep = (await shop.HeadAsync())!.Step }], shop.Sent);
    });

    [Fact]
    public void AStopWhoseCommitWouldNotFitDropsTheStepsAndUsesNoBudget() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop { Settings = new WorkerSettings { StopNotice = TimeSpan.FromSeconds(3) }, Waiting = 1 };
        var handler = shop.Handler();
        shop.Store.Before = call =>
        {
            shop.Time.Advance(call.StartsWith("stream ", StringComparison.Ordinal) ? TimeSpan.FromSeconds(4) : TimeSpan.Zero);
            return Task.CompletedTask;
        };
        await handler.HandleAsync(First, Cancel); // that is how it learns what a commit takes
        var committed = (await shop.HeadAsync())!.Step;
        shop.Trainers.OnStep = step => { if (step == committed + 5) { shop.Stop.Raise(); } };
        await handler.HandleAsync((TrainSlice)shop.Sent[0], Cancel);

        var head = (await shop.HeadAsync())!;
        Assert.Equal((committed, 0), (head.Step, head.Attempts));
        Assert.Equal(First with { FromStep = committed }, shop.Sent[1]);
        Assert.Null(await shop.Checkpoints.ReadLiveOwnerAsync(SliceWorkshop.Run, SliceWorkshop.Expert, _ => false, TimeSpan.FromMinutes(1), Cancel));
    });

    [Fact]
    public void AStoreThatFailsStopsNoStepAndLosesNone() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop(steps: 400) { Waiting = 1, Settings = new WorkerSettings { AcknowledgementTimeout = TimeSpan.FromHours(1) } };
        shop.Store.Before = call => shop.Time.GetUtcNow().Minute is 1 or 2 or 3 && call != "clock"
            ? Task.FromException(new IOException("away")) : Task.CompletedTask;
        shop.Waiting = 0;
        var handler = shop.Handler();
        await handler.HandleAsync(First, Cancel);

        Assert.Equal((400, PlainTrainers.StateAt(SliceWorkshop.Expert, 400)), ((await shop.HeadAsync())!.Step, await shop.StateAsync()));
        Assert.Equal(["experts/0 0"], shop.Trainers.Loads);
        Assert.Contains(shop.Progress.Notices, notice => notice.Contains("training goes on", StringComparison.Ordinal) && notice.Contains("away", StringComparison.Ordinal));
    });

    [Fact]
    public void ACommitWhoseReplyIsLostIsFoundOutBeforeTheNextFollowsOnIt() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop(steps: 300);
        var (hasWritten, lost) = (false, 0);
        shop.Store.After = call =>
        {
            hasWritten |= call.StartsWith("stream ", StringComparison.Ordinal);

            // The swap of the head takes effect and its reply is lost; so is that of the look whether it did.
            return hasWritten && call.EndsWith("/head.json", StringComparison.Ordinal) && lost++ < 2 ? Task.FromException(new IOException("no reply")) : Task.CompletedTask;
        };
        await shop.Handler().HandleAsync(First, Cancel);
        Assert.Equal((300, PlainTrainers.StateAt(SliceWorkshop.Expert, 300)), ((await shop.HeadAsync())!.Step, await shop.StateAsync()));
        var history = await shop.Checkpoints.HistoryAsync(SliceWorkshop.Run, SliceWorkshop.Expert, Cancel);
        Assert.All(history.Zip(history.Skip(1)), pair => Assert.Equal((pair.Second.Manifest.Step, pair.Second.Folder), (pair.First.Manifest.FromStep, pair.First.Manifest.Parent)));
        Assert.InRange(history[^1].Manifest.Step, 60, 63); // the one whose reply was lost
        Assert.Contains(shop.Progress.Notices, notice => notice.Contains("no reply", StringComparison.Ordinal));
    });

    [Fact]
    public void WhatTheStoreDidNotTakeAtTheEndIsStillThereWhenTheSliceIsTriedAgain() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop(steps: 30);
        var handler = shop.Handler();
        var failing = true;
        shop.Store.Before = call => failing && call.StartsWith("stream ", StringComparison.Ordinal) ? Task.FromException(new IOException("away")) : Task.CompletedTask;
        await Assert.ThrowsAsync<IOException>(() => handler.HandleAsync(First, Cancel));
        Assert.Equal(0, (await shop.HeadAsync())!.Attempts); // the store's fault
        failing = false;
        shop.Trainers.OnStep = step => Assert.Fail($"step {step} is made twice");
        await handler.HandleAsync(First, Cancel);
        Assert.Equal((30, PlainTrainers.StateAt(SliceWorkshop.Expert, 30)), ((await shop.HeadAsync())!.Step, await shop.StateAsync()));
    });

    [Fact]
    public void ABrokerThatIsAwayEndsNoTraining() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop(steps: 90) { Waiting = 1, SendFailure = new IOException("no broker") };
        await shop.Handler().HandleAsync(First, Cancel);
        Assert.Equal((90, PlainTrainers.StateAt(SliceWorkshop.Expert, 90)), ((await shop.HeadAsync())!.Step, await shop.StateAsync()));
        Assert.Equal(["experts/0 0"], shop.Trainers.Loads);
    });

    [Fact]
    public void AWakeUpThroughAnotherPoolsQueueIsVoid() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop();
        await shop.Checkpoints.GrantAsync(SliceWorkshop.Run, SliceWorkshop.Expert, "t4", Cancel);
        await shop.Handler().HandleAsync(First with { Pool = "a100" }, Cancel);
        Assert.Equal((0, 1), ((await shop.HeadAsync())!.Step, (await shop.HeadAsync())!.Epoch));
        await shop.Handler().HandleAsync(First with { Pool = "t4" }, Cancel);
        Assert.Equal(1000, (await shop.HeadAsync())!.Step);
    });

    [Fact]
    public void WhereNobodyElseLooksADroppedSliceOfAHeldRunWakesTheLookThatEndsIt() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop() { Settings = WorkerSettings.Embedded };
        await shop.Runs.GetAsync(SliceWorkshop.Run, Cancel); // what this process knows of the run from now on is old
        var another = shop.ControlOf(new RunRepository(shop.Store), new NoSender());
        await another.CancelAsync(SliceWorkshop.Run, Cancel);
        await shop.Handler().HandleAsync(First, Cancel);
        Assert.Equal([""], shop.Advanced); // the whole run
        Assert.Equal(0, (await shop.HeadAsync())!.Step);
    });

    private sealed class NoSender : ICommandSender
    {
        public Task SendAsync(IRunCommand command, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task AdvancedAsync(string run, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task ReturnAsync(IRunCommand command, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
