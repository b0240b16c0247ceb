using System.Globalization;

namespace Ddm.Chaos.Tests;

/// <summary>Does one fault after the other, each when the run has recovered from the one before.</summary>
internal sealed class FaultInjector(ChaosRun run, Random random, ChaosLog log)
{
    private const int ControlPlaneEvery = 3; // of the signals that end a process, from the second of a kind on

    private readonly WorkerFaults workers = new(run, random, log);
    private readonly BrokerFaults broker = new(run, log);
    private readonly StoreFaults store = new(run, random, log);
    private readonly Dictionary<FaultKind, int> times = [];

    /// <summary>Does so many.</summary>
    public async Task<IReadOnlyList<Fault>> InjectAsync(int count)
    {
        var faults = new List<Fault>();
        foreach (var kind in FaultScript.Draw(count, random))
        {
            await run.TrainsAsync();
            var fault = await InjectAsync(faults.Count + 1, kind);
            fault.Until = DateTimeOffset.UtcNow;
            faults.Add(fault);
            log.Add(string.Create(CultureInfo.InvariantCulture, $"  recovered from {kind} after {(fault.Until - fault.From).TotalSeconds:F1} s"));
        }

        return faults;
    }

    private Task<Fault> InjectAsync(int number, FaultKind kind)
    {
        var before = times.GetValueOrDefault(kind);
        times[kind] = before + 1;
        return kind switch
        {
            FaultKind.Kill or FaultKind.Terminate when before % ControlPlaneEvery == ControlPlaneEvery - 1 => workers.EndControlPlaneAsync(number, kind),
            FaultKind.Kill or FaultKind.Terminate => workers.EndTrainerAsync(number, kind),
            FaultKind.Freeze => workers.FreezeTrainerAsync(number),
            FaultKind.BrokerRestart => broker.RestartAsync(number, wiped: false),
            FaultKind.ConnectionsClosed => broker.CloseConnectionsAsync(number),
            FaultKind.BrokerWiped => broker.RestartAsync(number, wiped: true),
            FaultKind.StoreRestart => store.RestartAsync(number),
            FaultKind.CheckpointDamaged => store.DamageNewestAsync(number),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
        };
    }
}
