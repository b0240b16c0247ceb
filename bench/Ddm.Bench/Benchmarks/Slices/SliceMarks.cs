using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Threading.Channels;
using Ddm.Services;

namespace Ddm.Bench;

/// <summary>Hears slices begin and steps being made, as a dashboard does.</summary>
internal sealed class SliceMarks : IDisposable
{
    private readonly Channel<(long At, long Steps)> marks = Channel.CreateUnbounded<(long, long)>();
    private readonly ActivityListener slices;
    private readonly MeterListener meters = new();
    private long steps;

    public SliceMarks()
    {
        slices = new ActivityListener
        {
            ShouldListenTo = source => source.Name == DdmTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.PropagationData,
            ActivityStarted = activity =>
            {
                if (activity.OperationName == nameof(Runs.TrainSlice))
                {
                    marks.Writer.TryWrite((Stopwatch.GetTimestamp(), Interlocked.Read(ref steps)));
                }
            },
        };
        ActivitySource.AddActivityListener(slices);
        meters.InstrumentPublished = (instrument, own) =>
        {
            if (instrument.Meter.Name == DdmTelemetry.Name && instrument.Name == "ddm.training.trained_steps")
            {
                own.EnableMeasurementEvents(instrument);
            }
        };
        meters.SetMeasurementEventCallback<long>((_, made, _, _) => Interlocked.Add(ref steps, made));
        meters.Start();
    }

    /// <summary>Waits for the next beginning of a slice: when it was, and how many steps had been made by then.</summary>
    public ValueTask<(long At, long Steps)> NextAsync(CancellationToken cancellationToken) => marks.Reader.ReadAsync(cancellationToken);

    /// <summary>Forgets the beginnings that nobody waited for.</summary>
    public void Forget()
    {
        while (marks.Reader.TryRead(out _))
        {
            // of a slice that the end of a round cut off
        }
    }

    public void Dispose()
    {
        slices.Dispose();
        meters.Dispose();
    }
}
