using Ddm.Runs;

namespace Ddm.Services.Tests;

/// <summary>A slice that waits for its store: it keeps its role, goes on stepping, and winds down at once while it loads.</summary>
public sealed class OwnerRenewalTests
{
    private static readonly TrainSlice First = new(SliceWorkshop.Run, "experts/0", 0);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("stream ")] // an upload
    [InlineData("read ")] // a load
    public void ACallThatOutlastsTheOwnersTimeoutIsNoDeath(string kind) => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop(steps: 100) { Waiting = 1 };
        await shop.Handler().HandleAsync(First, Cancel);
        var (step, slow) = ((await shop.HeadAsync())!.Step, 0);
        shop.Waiting = 0;
        shop.Memory.Now = shop.Time.GetUtcNow();
        shop.Store.Before = async call =>
        {
            shop.Memory.Now = shop.Time.GetUtcNow();
            if (!IsOfTensors(call, kind))
            {
                return;
            }

            for (var passed = TimeSpan.Zero; passed < 5 * shop.Settings.OwnerTimeout; passed += TimeSpan.FromSeconds(1))
            {
                shop.Time.Advance(TimeSpan.FromSeconds(1));
                for (var turns = 0; turns < 5; turns++)
                {
                    await Task.Yield();
                }
            }

            slow++;
            shop.Memory.Now = shop.Time.GetUtcNow();
            Assert.NotNull(await shop.Checkpoints.ReadLiveOwnerAsync(SliceWorkshop.Run, SliceWorkshop.Expert, _ => false, shop.Settings.OwnerTimeout, Cancel));
        };
        await shop.Handler(new WorkerIdentity("two:1", _ => false) { Host = "two" }).HandleAsync(First with { FromStep = step }, Cancel);
        shop.Store.Before = null;

        Assert.True(slow > 0, $"no call began with '{kind}'");
        Assert.Equal((100, PlainTrainers.StateAt(SliceWorkshop.Expert, 100)), ((await shop.HeadAsync())!.Step, await shop.StateAsync()));
    });

    [Fact]
    public void AStoreThatDoesNotAnswerStopsNoStep() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop(steps: 400);
        var (back, reached) = (new TaskCompletionSource(), 0L);
        using var deadline = new Timer(_ => back.TrySetResult(), null, TimeSpan.FromSeconds(20), Timeout.InfiniteTimeSpan);
        shop.Trainers.OnStep = step =>
        {
            if (step == 30)
            {
                shop.Store.Before = _ => back.Task;
            }

            reached = back.Task.IsCompleted ? reached : step;
            if (step == 300)
            {
                back.TrySetResult();
            }
        };
        await shop.Handler().HandleAsync(First, Cancel);

        Assert.Equal(300, reached);
        Assert.Equal((400, PlainTrainers.StateAt(SliceWorkshop.Expert, 400)), ((await shop.HeadAsync())!.Step, await shop.StateAsync()));
    });

    [Fact]
    public void AStopWhileItLoadsEndsTheSliceAtOnceAndUsesNoBudget() => SingleThread.Run(async () =>
    {
        await using var shop = new SliceWorkshop(steps: 100) { Waiting = 1 };
        await shop.Handler().HandleAsync(First, Cancel);
        var successor = (TrainSlice)shop.Sent[^1];
        shop.Store.Before = call =>
        {
            if (IsOfTensors(call, "read "))
            {
                shop.Stop.Raise();
            }

            return Task.CompletedTask;
        };
        await shop.Handler(new WorkerIdentity("two:1", _ => false) { Host = "two" }).HandleAsync(successor, Cancel);
        shop.Store.Before = null;

        var head = (await shop.HeadAsync())!;
        Assert.Equal((successor.FromStep, 0), (head.Step, head.Attempts));
        Assert.Equal([successor, successor], shop.Sent);
        Assert.Null(await shop.Checkpoints.ReadLiveOwnerAsync(SliceWorkshop.Run, SliceWorkshop.Expert, _ => false, shop.Settings.OwnerTimeout, Cancel));
    });

    private static bool IsOfTensors(string call, string kind) =>
        call.StartsWith(kind, StringComparison.Ordinal) && call.EndsWith(PlainTrainers.Part, StringComparison.Ordinal);
}
