using Ddm.Services;

namespace Ddm.Chaos.Tests;

/// <summary>Whether the run's own events tell of every fault that it could notice, and of its recovery.</summary>
internal sealed class FaultsTold(ChaosRun run, IReadOnlyList<Fault> faults)
{
    // A client waits for longer and longer between two tries to connect, and its control plane tells when it is back.
    private static readonly TimeSpan LongestReturn = TimeSpan.FromMinutes(1);

    /// <summary>A complaint for every fault that no event tells of.</summary>
    public async Task<IReadOnlyList<string>> MissingAsync(IReadOnlyList<TrainedClaim> claims)
    {
        var events = await RunEvents.ReadAsync(run.Blobs, ChaosRun.Name, TestContext.Current.CancellationToken);
        var untold = faults.Where(fault => IsNoticed(fault, claims) && !events.Any(e => Tells(e, fault))).ToList();

        // The message library does not always say that a connection was lost: one telling of several is asked for.
        if (faults.Any(fault => IsOfBroker(fault) && !untold.Contains(fault)))
        {
            untold.RemoveAll(IsOfBroker);
        }

        return [.. untold.Select(fault => $"no event tells of fault {fault.Number}, {fault.Kind}")];
    }

    private static bool IsOfBroker(Fault fault) => fault.Kind is FaultKind.BrokerRestart or FaultKind.ConnectionsClosed or FaultKind.BrokerWiped;

    private static bool IsNoticed(Fault fault, IReadOnlyList<TrainedClaim> claims)
    {
        var last = claims.LastOrDefault(claim => claim.Process == fault.Process && claim.IsLast);
        return fault.Kind switch
        {
            FaultKind.Kill when fault.Role is null => fault.HeldLease, // of two control planes one stands by
            FaultKind.Terminate when fault.Role is null => false, // gives its lease back
            FaultKind.Kill => last is { Steps.Count: > 0 } && last.Steps[^1] != last.Commits.LastOrDefault(), // else it may have hit between two roles
            FaultKind.Terminate => last?.LastCommit >= fault.From,
            _ => true,
        };
    }

    private static bool Tells(RunEvent told, Fault fault) => told.At >= fault.From && fault.Kind switch
    {
        FaultKind.Kill when fault.Role is null => told.Kind == RunEvent.TakenOver && Names(told, fault),
        FaultKind.Kill or FaultKind.Freeze => IsTakenOver(told, fault),
        FaultKind.Terminate => told.Kind == RunEvent.GivenBack && Names(told, fault),
        _ when IsOfBroker(fault) => IsBack(told, fault, "the broker"),
        FaultKind.StoreRestart => IsBack(told, fault, "the store"),
        FaultKind.CheckpointDamaged => told.Kind == RunEvent.FellBack && told.Text.Contains(fault.Checkpoint!, StringComparison.Ordinal),
        _ => throw new ArgumentOutOfRangeException(nameof(fault), fault.Kind, null),
    };

    // By whoever claims it next; where it waited too long before that, by the control plane that places it anew.
    private static bool IsTakenOver(RunEvent told, Fault fault)
        => (told.Kind == RunEvent.TakenOver && Names(told, fault)) || (told.Kind == RunEvent.Placed && told.At <= fault.Until && told.Text.StartsWith($"{fault.Role} ", StringComparison.Ordinal));

    private static bool IsBack(RunEvent told, Fault fault, string what)
        => told.Kind == RunEvent.Back && told.Text.StartsWith(what, StringComparison.Ordinal) && told.At <= fault.Until + LongestReturn;

    private static bool Names(RunEvent told, Fault fault) => Supervisor.IsOf(told.Text, fault.Process!);
}
