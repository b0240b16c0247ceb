using Ddm.Runs;

namespace Ddm.Services.Tests.Messaging;

public sealed class SliceGateTests
{
    [Fact]
    public async Task ARepeatedCommandJoinsTheOneUnderWayAndEndsWithIt()
    {
        using var gate = new SliceGate();
        var work = new TaskCompletionSource();
        var calls = 0;
        var first = gate.RunAsync(new FitPartition("a"), () => WorkAsync());

        var second = gate.RunAsync(new FitPartition("a"), () => WorkAsync());

        Assert.Equal(1, calls);
        Assert.False(second.IsCompleted); // acknowledged no sooner than the work is done
        work.SetResult();
        await first;
        await second;
        Assert.Equal(1, calls);
        await gate.RunAsync(new FitPartition("a"), () => WorkAsync());
        Assert.Equal(2, calls);

        Task WorkAsync()
        {
            calls++;
            return work.Task;
        }
    }

    [Fact]
    public async Task WhoeverJoinsAFailureIsLetGoAndTheNextBeginsAnew()
    {
        using var gate = new SliceGate();
        var work = new TaskCompletionSource();
        var first = gate.RunAsync(new FitPartition("a"), () => work.Task);
        var second = gate.RunAsync(new FitPartition("a"), () => throw new InvalidOperationException("called"));

        work.SetException(new IOException("away"));

        await Assert.ThrowsAsync<IOException>(() => first);
        await second;
        var again = false;
        await gate.RunAsync(new FitPartition("a"), () =>
        {
            again = true;
            return Task.CompletedTask;
        });
        Assert.True(again);
    }

    [Fact]
    public async Task SlicesOfDifferentRolesTakeTurnsAndOtherWorkDoesNotWaitForThem()
    {
        using var gate = new SliceGate();
        var (one, other) = (new TaskCompletionSource(), false);
        var first = gate.RunAsync(new TrainSlice("a", "experts/0", 0), () => one.Task);
        var second = gate.RunAsync(new TrainSlice("a", "experts/1", 0), () =>
        {
            other = true;
            return Task.CompletedTask;
        });

        await gate.RunAsync(new FitPartition("a"), () => Task.CompletedTask);

        Assert.False(other);
        one.SetResult();
        await first;
        await second;
        Assert.True(other);
    }
}
