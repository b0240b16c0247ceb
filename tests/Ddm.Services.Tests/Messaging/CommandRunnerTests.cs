using Ddm.Runs;
using Ddm.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Ddm.Services.Tests.Messaging;

/// <summary>Which failures are waited for and which end the run, in a service that nobody watches.</summary>
public sealed class CommandRunnerTests : IDisposable
{
    private readonly FakeTimeProvider time = new();
    private readonly SliceGate gate = new();
    private readonly StopSignal stop = new();
    private readonly TinyRun tiny = new();
    private readonly SentCommands sent = new();
    private readonly RecordingProgress progress = new();

    private static CommandPatience Patience => CommandPatience.Unattended(new WorkerSettings());

    public void Dispose()
    {
        gate.Dispose();
        stop.Dispose();
        tiny.Dispose();
    }

    [Fact]
    public async Task AStoreThatIsAwayIsWaitedForHoweverOftenItFails()
    {
        var failures = 0;
        var handler = new Handler(() => ++failures <= 12 ? Task.FromException(new IOException("away")) : Task.CompletedTask);

        await FinishAsync(Runner(handler).RunAsync(new FitPartition("tiny"), TestContext.Current.CancellationToken));

        Assert.Equal(13, failures);
        Assert.Equal(["advanced tiny"], sent.All); // the attempt that failed may have done its work
        Assert.Equal(12, progress.Notices.Count);
    }

    [Fact]
    public async Task WorkThatWouldOutlastTheBrokersPatienceIsSentAnewAndAcknowledged()
    {
        var handler = new Handler(() => Task.FromException(new TimeoutException("slow")));

        await FinishAsync(Runner(handler).RunAsync(new FitPartition("tiny"), TestContext.Current.CancellationToken));

        Assert.Equal(["returned FitPartition { Run = tiny }"], sent.All);
        Assert.InRange(time.GetUtcNow() - time.Start, TimeSpan.FromMinutes(24), TimeSpan.FromMinutes(25.5));
    }

    [Theory]
    [InlineData("user", 1)]
    [InlineData("data", 1)]
    [InlineData("bug", 3)]
    public async Task WhatNoWaitingMendsEndsTheRun(string kind, int calls)
    {
        await tiny.RunAsync();
        var called = 0;
        var handler = new Handler(() =>
        {
            called++;
            return Task.FromException(kind switch
            {
                "user" => new UserErrorException("wrong"),
                "data" => new InvalidDataException("wrong"),
                _ => new InvalidOperationException("wrong"),
            });
        });

        await FinishAsync(Runner(handler).RunAsync(new FitPartition("tiny"), TestContext.Current.CancellationToken));

        Assert.Equal(calls, called);
        var document = await new RunRepository(tiny.Blobs).GetAsync("tiny", TestContext.Current.CancellationToken);
        Assert.Equal(RunStatus.Failed, document.Status);
        Assert.Contains("wrong", document.Failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFullDiskIsWaitedForByAServiceAndEndsARunThatAPersonWatches()
    {
        var calls = 0;
        var full = new UserErrorException("the disk is full") { MayPass = true };
        var handler = new Handler(() => ++calls <= 2 ? Task.FromException(full) : Task.CompletedTask);
        await FinishAsync(Runner(handler).RunAsync(new FitPartition("tiny"), TestContext.Current.CancellationToken));
        Assert.Equal(3, calls);

        calls = 0;
        await tiny.RunAsync();
        await FinishAsync(Runner(handler, CommandPatience.Attended).RunAsync(new FitPartition("tiny"), TestContext.Current.CancellationToken));
        Assert.Equal(1, calls);
    }

    [Fact]
    public async Task AfterTheStopSignalACommandGoesBackUntouched()
    {
        stop.Raise();
        var handler = new Handler(() => throw new InvalidOperationException("called"));

        await Runner(handler).RunAsync(new FitPartition("tiny"), TestContext.Current.CancellationToken);

        Assert.Equal(["returned FitPartition { Run = tiny }"], sent.All);
    }

    /// <summary>A head that is lost, or that cannot be read, is so for every worker; what else a slice breaks over may be its worker's fault.</summary>
    [Theory]
    [InlineData(true, RunStatus.Failed)]
    [InlineData(false, RunStatus.Succeeded)]
    public async Task ASliceWhoseRoleCannotBeReadEndsTheRunAndOneThatItsWorkerCannotDoIsLeftToOthers(bool isDamaged, RunStatus status)
    {
        await tiny.RunAsync();
        var failing = new Failing(isDamaged ? new CheckpointException("runs/tiny/experts/0/head.json is missing") : new InvalidOperationException("out of memory"));
        var runner = new CommandRunner<TrainSlice>(failing, new RunRepository(tiny.Blobs), sent, gate, Patience, stop, progress, time, NullLogger<CommandRunner<TrainSlice>>.Instance);

        await FinishAsync(runner.RunAsync(new TrainSlice("tiny", "experts/0", 0), TestContext.Current.CancellationToken));

        Assert.Equal(status, (await new RunRepository(tiny.Blobs).GetAsync("tiny", TestContext.Current.CancellationToken)).Status);
    }

    [Fact]
    public async Task AProcessThatDrainsHoldsWhatItIsHandedAndGivesItBackWhenItStops()
    {
        stop.Drain();
        var handler = new Handler(() => throw new InvalidOperationException("called"));

        var held = Runner(handler).RunAsync(new FitPartition("tiny"), TestContext.Current.CancellationToken);
        Assert.Empty(sent.All); // given back at once it would be handed to this process again
        Assert.True(gate.IsIdle);
        stop.Raise();
        await held;

        Assert.Equal(["returned FitPartition { Run = tiny }"], sent.All);
    }

    private CommandRunner<FitPartition> Runner(Handler handler, CommandPatience? patience = null) => new(
        handler, new RunRepository(tiny.Blobs), sent, gate, patience ?? Patience, stop, progress, time, NullLogger<CommandRunner<FitPartition>>.Instance);

    // Moves the clock whenever somebody waits for it.
    private async Task FinishAsync(Task running)
    {
        while (!running.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(10));
            await Task.Yield();
        }

        await running;
    }

    private sealed class Handler(Func<Task> handle) : ICommandHandler<FitPartition>
    {
        public Task HandleAsync(FitPartition command, CancellationToken cancellationToken) => handle();
    }

    private sealed class Failing(Exception failure) : ICommandHandler<TrainSlice>
    {
        public Task HandleAsync(TrainSlice command, CancellationToken cancellationToken) => Task.FromException(failure);
    }

    private sealed class SentCommands : ICommandSender
    {
        public List<string> All { get; } = [];

        public Task SendAsync(IRunCommand command, CancellationToken cancellationToken) => AddAsync($"sent {command}");

        public Task AdvancedAsync(string run, CancellationToken cancellationToken) => AddAsync($"advanced {run}");

        public Task ReturnAsync(IRunCommand command, CancellationToken cancellationToken) => AddAsync($"returned {command}");

        private Task AddAsync(string what)
        {
            All.Add(what);
            return Task.CompletedTask;
        }
    }
}
