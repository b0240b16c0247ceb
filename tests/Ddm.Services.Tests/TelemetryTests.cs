using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Services.Tests;

public sealed class TelemetryTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EverySliceIsATraceOfItsOwnLinkedToTheSubmission()
    {
        var ended = new ConcurrentQueue<Activity>();
        const string Run = "traced"; // other tests run beside this one
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is DdmTelemetry.Name or "test",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        using var source = new ActivitySource("test");
        using var tiny = new TinyRun(TinyFolder.DefaultSpec.Replace("name: tiny", $"name: {Run}", StringComparison.Ordinal));

        using (var submission = source.StartActivity("submission")!)
        {
            await tiny.RunAsync();

            var slices = ended.Where(activity => activity.OperationName == "TrainSlice" && Equals(activity.GetTagItem("ddm.run"), Run)).ToArray();
            Assert.NotEmpty(slices);
            Assert.All(slices, slice => Assert.Null(slice.ParentId));
            Assert.Equal(slices.Length, slices.Select(slice => slice.TraceId).Distinct().Count());
            Assert.All(slices, slice => Assert.Equal(submission.TraceId, Assert.Single(slice.Links).Context.TraceId));
        }
    }

    [Fact]
    public async Task CommitsCommandsAndClustersAreMeasured()
    {
        var seen = new ConcurrentDictionary<string, double>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, own) =>
        {
            if (instrument.Meter.Name == DdmTelemetry.Name)
            {
                own.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, _, _) => seen[instrument.Name] = value);
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => seen[instrument.Name] = value);
        listener.Start();
        using var tiny = new TinyRun();

        await tiny.RunAsync();

        Assert.Subset(seen.Keys.ToHashSet(), new HashSet<string> { "ddm.commit.duration", "ddm.command.duration", "ddm.queue.wait", "ddm.cluster.rows" });
        Assert.InRange(seen["ddm.commit.duration"], 0, 60);
        Assert.InRange(seen["ddm.queue.wait"], 0, 60);
    }

    [Fact]
    public async Task TrainingIsMeasuredByRunAndRole()
    {
        await using var shop = new SliceWorkshop();
        await shop.Runs.GetAsync(SliceWorkshop.Run, Cancel);
        using var progress = new ServiceProgress(shop.Events, shop.Runs, new RoleAges(TimeProvider.System), NullLogger<ServiceProgress>.Instance);
        using var measured = new Measurements();

        using (RunScope.Enter(SliceWorkshop.Run))
        {
            progress.Training(new TrainingProgress(Role.Expert(1), 30, 100, 64, 0.5, 20, null, true));
            progress.Training(new TrainingProgress(Role.Expert(1), 30, 100, 0, null, 30, null, false)); // between slices there is no rate to tell
        }

        const string Of = " ddm.run=tiny ddm.role=experts/1";
        Assert.Equal(
            ["ddm.training.loss 0.5" + Of, "ddm.training.images_per_second 64" + Of, "ddm.training.step.duration 0.25" + Of, "ddm.training.committed_steps 20" + Of, "ddm.training.committed_steps 30" + Of],
            measured.Take());
    }

    [Fact]
    public async Task AFencedCommitIsCounted()
    {
        await using var shop = new SliceWorkshop();
        var claim = await shop.ClaimAsync();
        await shop.Checkpoints.HoldAsync(SliceWorkshop.Run, SliceWorkshop.Expert, Cancel);
        using var measured = new Measurements();

        var outcome = await shop.CommitAsync(claim, PlainTrainers.Part, (stream, token) => stream.WriteAsync(new byte[1], token).AsTask());

        Assert.IsType<CommitOutcome.Fenced>(outcome);
        Assert.Equal(["ddm.commits.fenced 1"], measured.Take());
    }

    [Fact]
    public async Task AMessageThatFindsItsWorkUnderWayIsCounted()
    {
        using var gate = new SliceGate();
        var over = new TaskCompletionSource();
        using var measured = new Measurements();
        var slice = new TrainSlice("tiny", "router", 0);

        var first = gate.RunAsync(slice, () => over.Task);
        var second = gate.RunAsync(slice, () => Task.CompletedTask);
        over.SetResult();
        await Task.WhenAll(first, second);

        Assert.Equal(["ddm.duplicates.dropped 1 ddm.command=TrainSlice"], measured.Take());
    }

    [Fact]
    public void GpusAreAskedForTheirMemoryAndAMachineWithoutOneTellsNothing()
    {
        using var measured = new Measurements();
        using (new GpuMeter(new TwoGpus()))
        {
            Assert.Equal(
                ["ddm.gpu.memory.used 10 ddm.gpu=0", "ddm.gpu.memory.used 30 ddm.gpu=1", "ddm.gpu.memory.total 80 ddm.gpu=0", "ddm.gpu.memory.total 80 ddm.gpu=1"], measured.Take());
        }

        using var driver = new NvidiaManagement();
        using var meter = new GpuMeter(driver);
        Assert.Equal(2 * driver.Read().Count, measured.Take().Count);
        Assert.All(driver.Read(), gpu => Assert.InRange(gpu.Used, 0, gpu.Total));
        Assert.True(driver.Read().Count == 0 || File.Exists("/dev/nvidiactl") || OperatingSystem.IsWindows());
    }

    private sealed class TwoGpus : IGpuMemory
    {
        public IReadOnlyList<GpuMemory> Read() => [new GpuMemory(0, 10, 80), new GpuMemory(1, 30, 80)];
    }
}
