using System.Diagnostics.Metrics;
using System.Globalization;

namespace Ddm.Services.Tests;

/// <summary>What a test's own calls measure; other tests that run beside it are not heard.</summary>
internal sealed class Measurements : IDisposable
{
    private readonly AsyncLocal<bool> isMine = new();
    private readonly MeterListener listener = new();
    private readonly List<string> heard = [];

    public Measurements()
    {
        isMine.Value = true;
        listener.InstrumentPublished = (instrument, own) =>
        {
            if (instrument.Meter.Name == DdmTelemetry.Name)
            {
                own.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.Start();
    }

    /// <summary>A line each: <c>name value tag=value</c>, gauges that are asked among them.</summary>
    public IReadOnlyList<string> Take()
    {
        listener.RecordObservableInstruments();
        lock (heard)
        {
            string[] taken = [.. heard];
            heard.Clear();
            return taken;
        }
    }

    public void Dispose() => listener.Dispose();

    private void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (isMine.Value)
        {
            lock (heard)
            {
                heard.Add(string.Create(CultureInfo.InvariantCulture, $"{instrument.Name} {value:0.###}{string.Concat(tags.ToArray().Select(tag => $" {tag.Key}={tag.Value}"))}"));
            }
        }
    }
}
