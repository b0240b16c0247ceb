using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Who this process is in owner records, and which other workers it knows to be dead.</summary>
/// <param name="Name">Unique to the process.</param>
/// <param name="IsKnownDead">True for a worker that cannot be alive, so that its roles need not wait for their owner records to age.</param>
public sealed record WorkerIdentity(string Name, Func<string, bool> IsKnownDead)
{
    private const string EmbeddedPrefix = "embedded:";

    /// <summary>The machine, the same after a restart: failures are counted by it.</summary>
    public string Host { get; init; } = Name;

    /// <summary>
    /// The worker of <c>ddm run</c>. It holds the run's lock, which the operating system takes from a process that dies, so every other
    /// embedded worker of the run is dead, and so is whoever wrote an owner record that cannot be read.
    /// </summary>
    public static WorkerIdentity Embedded(string host, int processId, long startedAt)
    {
        var name = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{EmbeddedPrefix}{host}:{processId}:{startedAt}");
        return new WorkerIdentity(name, other => other != name && (other == RoleOwner.Unreadable || other.StartsWith(EmbeddedPrefix, StringComparison.Ordinal)))
        {
            Host = host,
        };
    }

    /// <summary>
    /// A service's worker: it knows nobody to be dead, so that the roles of a worker that is gone wait for its owner records to age. The start is in the name, for a
    /// machine gives a process's number out again.
    /// </summary>
    public static WorkerIdentity Service(string host, int processId, long startedAt)
        => new(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{host}:{processId}:{startedAt}"), static _ => false) { Host = host };
}
