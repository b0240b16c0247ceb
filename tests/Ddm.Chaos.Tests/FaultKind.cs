namespace Ddm.Chaos.Tests;

/// <summary>What is done to a run while it trains.</summary>
internal enum FaultKind
{
    /// <summary>SIGKILL to a service.</summary>
    Kill,

    /// <summary>SIGTERM to a service.</summary>
    Terminate,

    /// <summary>SIGSTOP to a trainer until another has taken its role, then SIGCONT.</summary>
    Freeze,

    /// <summary>The broker is stopped and started.</summary>
    BrokerRestart,

    /// <summary>The broker closes every connection.</summary>
    ConnectionsClosed,

    /// <summary>The broker is stopped, loses its disk, and is started.</summary>
    BrokerWiped,

    /// <summary>The blob service is stopped and started.</summary>
    StoreRestart,

    /// <summary>A bit of a role's newest checkpoint is flipped.</summary>
    CheckpointDamaged,
}
