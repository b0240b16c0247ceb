namespace Ddm.Simulation.Tests;

/// <summary>What happens to whole processes, connections and disks.</summary>
public enum FaultKind
{
    /// <summary>SIGKILL of a worker; another takes its place.</summary>
    WorkerDies,

    /// <summary>SIGTERM: the worker has its notice to commit, then it is killed.</summary>
    WorkerIsPreempted,

    /// <summary>SIGSTOP for minutes: its owner record ages, then it wakes and believes that it owns what it owned.</summary>
    WorkerPauses,

    /// <summary>A worker cannot reach the store for a while.</summary>
    WorkerLosesStore,

    /// <summary>A worker cannot reach the broker for a while.</summary>
    WorkerLosesBroker,

    /// <summary>Every step of a worker takes ten times as long for a while.</summary>
    WorkerIsSlow,

    /// <summary>A control plane is killed; another starts minutes later.</summary>
    ControlPlaneDies,

    /// <summary>Connections close; queues and messages stay.</summary>
    ConnectionsClose,

    /// <summary>The broker is away for a while.</summary>
    BrokerRestarts,

    /// <summary>The broker comes back without its messages.</summary>
    BrokerIsWiped,

    /// <summary>A bit of the newest checkpoint of a role flips, where the one before is whole.</summary>
    CheckpointRots,
}
