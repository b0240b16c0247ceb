namespace Ddm.Services.Tests;

public sealed class BoundedWorkTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(50)]
    public async Task EveryPieceIsDoneOnceAndNoMoreThanAllowedAtATime(int count)
    {
        var (done, now, most) = (new int[count], 0, 0);
        await BoundedWork.RunAsync(count, 4, async i =>
        {
            most = Math.Max(most, Interlocked.Increment(ref now));
            await Task.Yield();
            Interlocked.Increment(ref done[i]);
            Interlocked.Decrement(ref now);
        });
        Assert.All(done, times => Assert.Equal(1, times));
        Assert.InRange(most, Math.Min(count, 1), 4);
    }

    [Fact]
    public async Task AFailureEndsItOnceWhatIsUnderWayIsOver()
    {
        var (begun, gate) = (0, new TaskCompletionSource());
        var work = BoundedWork.RunAsync(1000, 4, async i =>
        {
            begun++; // up to the first wait all run here
            if (i == 1)
            {
                throw new IOException("away");
            }

            await gate.Task;
        });
        Assert.False(work.IsCompleted);
        gate.SetResult();
        Assert.Equal("away", (await Assert.ThrowsAsync<IOException>(() => work)).Message);
        Assert.Equal(2, begun);
    }
}
