using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Services.Tests.Messaging;

/// <summary>Commands that nothing of ours sends are dropped, and the run that they name stays as it is.</summary>
public sealed class CommandCheckTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<IRunCommand, string> Faulty => new()
    {
        { new FitPartition(null!), "'' cannot name a run" },
        { new FitPartition("../x"), "'../x' cannot name a run" },
        { new FitPartition("x\u001b[31m\n"), "cannot name a run" },
        { new IngestShard("tiny", -1), "there is no shard -1" },
        { new TrainSlice("tiny", null!, 0), "names no role" },
        { new TrainSlice("tiny", "experts/-1", 0), "names no role" },
        { new TrainSlice("tiny", "experts/99999999999", 0), "names no role" },
        { new TrainSlice("tiny", "../../x", 0), "names no role" },
        { new TrainSlice("tiny", "router", -1), "there is no step -1" },
        { new TrainSlice("tiny", "router", 0, null!), "'' cannot name a pool" },
        { new TrainSlice("tiny", "router", 0, "a/b"), "'a/b' cannot name a pool" },
    };

    [Theory]
    [MemberData(nameof(Faulty), DisableDiscoveryEnumeration = true)]
    public void WhatIsWrongIsNamed(IRunCommand command, string told)
    {
        var fault = CommandCheck.FindFault(command);
        Assert.Contains(told, fault, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', fault!);
    }

    [Fact]
    public void WhatIsRightPasses()
    {
        Assert.Null(CommandCheck.FindFault(new TrainSlice("tiny", "experts/7", 0, "a100")));
        Assert.Null(CommandCheck.FindFault(new AssignShard("tiny", 3)));
    }

    [Theory]
    [InlineData(2, RunStage.ExtractFeatures)] // there are two shards, 0 and 1
    [InlineData(0, RunStage.Ingest)] // the stage has not come
    public async Task ACommandThatIsNotForTheRunAsItStandsChangesNothing(int shard, RunStage stage)
    {
        using var tiny = new TinyFolder();
        var blobs = new FileBlobStore(tiny.Home);
        var runs = new RunRepository(blobs);
        await Api.RunTests.AddAsync(blobs, "tiny", tiny, RunStatus.Running);
        await runs.UpdateAsync("tiny", document => document with { Stage = RunStage.ExtractFeatures, ShardCount = 2 }, Cancel);
        var worker = new RunRepository(blobs);
        var (handled, runner, gate, stop) = Runner(worker);
        using (gate)
        using (stop)
        {
            await runner.RunAsync(new ExtractFeatures("tiny", 0), Cancel); // it knows the run
            await runs.UpdateAsync("tiny", document => document with { Stage = stage }, Cancel);
            var before = (await blobs.ReadAsync(BlobNames.RunDocument("tiny"), Cancel))!.ETag;
            if (stage == RunStage.Ingest)
            {
                (handled, runner, _, _) = Runner(new RunRepository(blobs), gate, stop);
            }

            var told = handled.Count;
            await runner.RunAsync(new ExtractFeatures("tiny", shard), Cancel);
            Assert.Equal(told, handled.Count);
            Assert.Equal(before, (await blobs.ReadAsync(BlobNames.RunDocument("tiny"), Cancel))!.ETag);
        }
    }

    [Fact]
    public async Task WhatAProcessSawLongAgoDropsNothing()
    {
        using var tiny = new TinyFolder();
        var blobs = new FileBlobStore(tiny.Home);
        await Api.RunTests.AddAsync(blobs, "tiny", tiny, RunStatus.Running);
        var worker = new RunRepository(blobs);
        await worker.GetAsync("tiny", Cancel); // at the first stage
        await new RunRepository(blobs).UpdateAsync("tiny", document => document with { Stage = RunStage.ExtractFeatures }, Cancel);
        var (handled, runner, gate, stop) = Runner(worker);
        using (gate)
        using (stop)
        {
            await runner.RunAsync(new ExtractFeatures("tiny", 0), Cancel);
            Assert.Equal([0], handled);
        }
    }

    private static (List<int> Handled, CommandRunner<ExtractFeatures> Runner, SliceGate Gate, StopSignal Stop) Runner(RunRepository runs, SliceGate? gate = null, StopSignal? stop = null)
    {
        var handler = new Handler();
        (gate, stop) = (gate ?? new SliceGate(), stop ?? new StopSignal());
        var runner = new CommandRunner<ExtractFeatures>(
            handler, runs, new Nobody(), gate, CommandPatience.Attended, stop, new RecordingProgress(), TimeProvider.System, NullLogger<CommandRunner<ExtractFeatures>>.Instance);
        return (handler.Shards, runner, gate, stop);
    }

    private sealed class Handler : ICommandHandler<ExtractFeatures>
    {
        public List<int> Shards { get; } = [];

        public Task HandleAsync(ExtractFeatures command, CancellationToken cancellationToken)
        {
            Shards.Add(command.Shard);
            return Task.CompletedTask;
        }
    }

    private sealed class Nobody : ICommandSender
    {
        public Task SendAsync(IRunCommand command, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task AdvancedAsync(string run, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
