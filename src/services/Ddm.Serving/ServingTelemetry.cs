using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Ddm.Services;
using Microsoft.AspNetCore.Http;

namespace Ddm.Serving;

/// <summary>What a gateway tells of itself. What waits and runs is looked up when it is asked for, so that no count can drift.</summary>
public static class ServingTelemetry
{
    /// <summary>Of the activity source and the meter.</summary>
    public const string Name = "Ddm.Gateway";

    private static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);
    private static readonly ConcurrentDictionary<DrawingEngine, bool> Engines = new();
    private static readonly ConcurrentDictionary<ExpertFleet, bool> Fleets = new();

    private static readonly Counter<long> Pictures = Meter.CreateCounter<long>("ddm.gateway.pictures", "{picture}");
    private static readonly Counter<long> Requests = Meter.CreateCounter<long>("ddm.gateway.requests", "{request}");
    private static readonly Histogram<double> Duration = Meter.CreateHistogram<double>("ddm.gateway.request.duration", "s");

    static ServingTelemetry()
    {
        Meter.CreateObservableGauge("ddm.gateway.waiting", () => Engines.Keys.Sum(engine => engine.Waiting), "{request}");
        Meter.CreateObservableGauge("ddm.gateway.active", () => Engines.Keys.Sum(engine => engine.Active), "{picture}");
        Meter.CreateObservableGauge("ddm.gateway.expert_host.up", () => Fleets.Keys.SelectMany(fleet => fleet.Links).Select(Up), description: "1 where an expert host is there, else 0");
    }

    /// <summary>Reports what is rare as zero from the start, so that an alert on its increase sees the first one too.</summary>
    internal static void Announce()
    {
        Count(0, degraded: true);
        Requests.Add(0, Status(StatusCodes.Status429TooManyRequests));
    }

    /// <summary>Begins the trace of a drawing, below that of the request that asked for it; null: nobody listens.</summary>
    internal static Activity? Begin(PictureOrder order, ServedModel model) => Source.StartActivity("Draw")
        ?.AddTag("ddm.model", model.Manifest.Name).AddTag("ddm.model.version", model.Manifest.Version).AddTag("ddm.pictures", order.Count).AddTag("ddm.steps", order.Request.Steps);

    /// <summary>Counts what was drawn.</summary>
    internal static void Drawn(DrawingRecord record)
    {
        var degraded = record.Pictures.Count(picture => picture.Degraded);
        Count(record.Pictures.Count - degraded, degraded: false);
        Count(degraded, degraded: true);
        Activity.Current?.AddTag("ddm.degraded", degraded > 0);
    }

    /// <summary>Counts a request by how it ended, with the time from its arrival.</summary>
    internal static void Ended(int status, TimeSpan took)
    {
        Requests.Add(1, Status(status));
        Duration.Record(took.TotalSeconds);
    }

    internal static void Watch(DrawingEngine engine) => Engines.TryAdd(engine, true);

    internal static void Unwatch(DrawingEngine engine) => Engines.TryRemove(engine, out _);

    internal static void Watch(ExpertFleet fleet) => Fleets.TryAdd(fleet, true);

    internal static void Unwatch(ExpertFleet fleet) => Fleets.TryRemove(fleet, out _);

    private static void Count(long pictures, bool degraded) => Pictures.Add(pictures, new KeyValuePair<string, object?>("ddm.degraded", degraded));

    private static KeyValuePair<string, object?> Status(int status) => new("status", status);

    private static Measurement<int> Up(ExpertHostLink link) => new(link.Seen is null ? 0 : 1, new KeyValuePair<string, object?>("ddm.expert_host", link.Address.Authority));
}
