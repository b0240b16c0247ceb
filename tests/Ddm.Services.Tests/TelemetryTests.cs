using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Ddm.Tests;

namespace Ddm.Services.Tests;

public sealed class TelemetryTests
{
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
}
