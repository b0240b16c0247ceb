using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>What a service process is told about itself and its surroundings: the configuration section <c>Ddm</c>. The defaults are those of one process by itself.</summary>
public sealed record WorkerSettings
{
    /// <summary>The section's name.</summary>
    public const string Section = "Ddm";

    private const double ShareOfTimeout = 0.8;

    /// <summary>The pool whose slices this process trains: workers with the same hardware.</summary>
    public string Pool { get; init; } = PoolName.Local;

    /// <summary>Whether nobody else can take this process's slices: then it declines none.</summary>
    public bool IsAlone { get; init; }

    /// <summary>What follows from slices that end without a commit.</summary>
    public AttemptPolicy Attempts { get; init; } = new(5, 2, TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(5));

    /// <summary>What people call this worker; null: its machine's name. The identity in owner records is unique to the process all the same.</summary>
    public string? Worker { get; init; }

    /// <summary>How long the broker waits for a message's acknowledgement (its <c>consumer_timeout</c>): no AMQP call tells, so it is said here.</summary>
    public TimeSpan AcknowledgementTimeout { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Time between the request to stop and the end of the process, in which a running slice may commit.</summary>
    public TimeSpan StopNotice { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long an owner record may go unrenewed before its worker counts as dead.</summary>
    public TimeSpan OwnerTimeout { get; init; } = RunObserver.OwnerTimeout;

    /// <summary>A folder of this machine where a slice keeps its state between commits that a slow line makes rare; null: nowhere.</summary>
    public string? LocalFolder { get; init; }

    /// <summary>Time between two looks at a run that nobody said anything about.</summary>
    public TimeSpan ReconcileEvery { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time after which a command whose work is still missing counts as lost and is sent again.</summary>
    public TimeSpan ResendAfter { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Share of the time that training may occupy the device, above 0 to 1: below 1 it rests after each step, on a machine that somebody else needs too.</summary>
    public double DeviceShare { get; init; } = 1;

    /// <summary>How long one piece of work may occupy the device before the process counts as stuck.</summary>
    public TimeSpan StuckAfter { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>How long the platform lets this process live, from its start; null: for ever. It takes nothing new after <see cref="DrainAfter"/> of it.</summary>
    public TimeSpan? ReplicaTimeout { get; init; }

    /// <summary>How long a process that finds no work waits before it ends by itself, for platforms that start one for a message; null: for ever.</summary>
    public TimeSpan? ExitWhenIdle { get; init; }

    /// <summary>Age at which this process takes nothing new; null: never.</summary>
    public TimeSpan? DrainAfter => ReplicaTimeout * ShareOfTimeout;

    /// <summary>Longest work on one message: it is acknowledged well before the broker takes it away.</summary>
    public TimeSpan LongestMessage => AcknowledgementTimeout * ShareOfTimeout;

    /// <summary>Those of <c>ddm run</c>: one process, no broker, and a person who waits.</summary>
    public static WorkerSettings Embedded { get; } = new()
    {
        IsAlone = true,
        StopNotice = TimeSpan.FromMinutes(10),
        Attempts = new AttemptPolicy(5, 1, TimeSpan.Zero, TimeSpan.Zero),
    };
}
