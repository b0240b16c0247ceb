using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Ddm.Serving;

/// <summary>What a gateway tells of itself. What waits and runs is looked up when it is asked for, so that no count can drift.</summary>
public static class ServingTelemetry
{
    /// <summary>Of the meter.</summary>
    public const string Name = "Ddm.Gateway";

    private static readonly Meter Meter = new(Name);
    private static readonly ConcurrentDictionary<DrawingEngine, bool> Engines = new();

    /// <summary>Pictures that were drawn.</summary>
    internal static Counter<long> Pictures { get; } = Meter.CreateCounter<long>("ddm.gateway.pictures", "{picture}");

    /// <summary>Requests by how they ended.</summary>
    internal static Counter<long> Requests { get; } = Meter.CreateCounter<long>("ddm.gateway.requests", "{request}");

    /// <summary>Time from a request's arrival to its pictures.</summary>
    internal static Histogram<double> Duration { get; } = Meter.CreateHistogram<double>("ddm.gateway.request.duration", "s");

    static ServingTelemetry()
    {
        Meter.CreateObservableGauge("ddm.gateway.waiting", () => Engines.Keys.Sum(engine => engine.Waiting), "{request}");
        Meter.CreateObservableGauge("ddm.gateway.active", () => Engines.Keys.Sum(engine => engine.Active), "{picture}");
    }

    internal static void Watch(DrawingEngine engine) => Engines.TryAdd(engine, true);

    internal static void Unwatch(DrawingEngine engine) => Engines.TryRemove(engine, out _);
}
