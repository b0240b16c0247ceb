using Ddm.Runs;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Ddm.Services.Tests.Hosting;

/// <summary>When a process that a platform started for a message ends by itself.</summary>
public sealed class ReplicaLifetimeTests : IDisposable
{
    private static readonly TrainSlice Slice = new("tiny", "experts/0", 0);
    private readonly FakeTimeProvider time = new();
    private readonly SliceGate gate = new();
    private readonly StopSignal stop = new();
    private readonly Lifetime lifetime = new();

    public void Dispose()
    {
        gate.Dispose();
        stop.Dispose();
    }

    [Fact]
    public async Task AtFourFifthsOfItsLifeItTakesNothingNewAndEndsWhenTheRunningSliceHas()
    {
        using var replica = Start(new WorkerSettings { ReplicaTimeout = TimeSpan.FromMinutes(10) });
        var ending = new TaskCompletionSource();
        var slice = gate.RunAsync(Slice, () => ending.Task);

        Assert.False(After(replica, TimeSpan.FromMinutes(7.9)));
        Assert.False(stop.IsDraining);
        Assert.False(After(replica, TimeSpan.FromSeconds(6)));
        Assert.True(stop.IsDraining);
        Assert.False(After(replica, TimeSpan.FromMinutes(1))); // the slice still runs, and is not hurried
        Assert.False(stop.Token.IsCancellationRequested);

        ending.SetResult();
        await slice;
        Assert.True(After(replica, TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public async Task WithoutWorkItEndsAndAnyWorkKeepsItAlive()
    {
        using var replica = Start(new WorkerSettings { ExitWhenIdle = TimeSpan.FromMinutes(1) });
        for (var slices = 0; slices < 5; slices++)
        {
            Assert.False(After(replica, TimeSpan.FromSeconds(50)));
            await gate.RunAsync(Slice with { FromStep = slices }, () => Task.CompletedTask); // over before anybody looks
        }

        Assert.False(After(replica, TimeSpan.FromSeconds(50)));
        Assert.False(After(replica, TimeSpan.FromSeconds(55)));
        Assert.True(After(replica, TimeSpan.FromSeconds(5)));
    }

    [Fact]
    public async Task ItStopsTheProcess()
    {
        using var replica = new ReplicaLifetime(
            gate, stop, new WorkerSettings { ExitWhenIdle = TimeSpan.FromMilliseconds(100) }, lifetime, TimeProvider.System, NullLogger<ReplicaLifetime>.Instance);
        await replica.StartAsync(TestContext.Current.CancellationToken);
        await lifetime.Stopped.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    private ReplicaLifetime Start(WorkerSettings settings) => new(gate, stop, settings, lifetime, time, NullLogger<ReplicaLifetime>.Instance);

    private bool After(ReplicaLifetime replica, TimeSpan passed)
    {
        time.Advance(passed);
        return replica.Look();
    }

    private sealed class Lifetime : IHostApplicationLifetime
    {
        public TaskCompletionSource Stopped { get; } = new();

        public CancellationToken ApplicationStarted => CancellationToken.None;

        public CancellationToken ApplicationStopping => CancellationToken.None;

        public CancellationToken ApplicationStopped => CancellationToken.None;

        public void StopApplication() => Stopped.TrySetResult();
    }
}
