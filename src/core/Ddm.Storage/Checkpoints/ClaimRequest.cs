using Ddm.Runs;

namespace Ddm.Storage;

/// <summary>What <see cref="CheckpointStore.ClaimAsync(ClaimRequest, CancellationToken)"/> is to take, and for whom.</summary>
public sealed record ClaimRequest
{
    /// <summary>The run.</summary>
    public required string Run { get; init; }

    /// <summary>The role.</summary>
    public required Role Role { get; init; }

    /// <summary>A name that no other process uses, also not one that had this process's number before it.</summary>
    public required string Worker { get; init; }

    /// <summary>The worker's machine, the same after a restart; null: the worker's name.</summary>
    public string? Host { get; init; }

    /// <summary>Whether the worker of that name is certainly gone; answer true for all to take the role from a living owner.</summary>
    public Func<string, bool> IsKnownDead { get; init; } = _ => false;

    /// <summary>Age of an owner record, by the store's clock, from which its owner counts as dead; several renewals long.</summary>
    public required TimeSpan OwnerTimeout { get; init; }

    /// <summary>The committed step that the wake-up was sent for; null: any.</summary>
    public long? FromStep { get; init; }

    /// <summary>The pool that the wake-up came through; null: any. A role that was placed in another pool since is not claimed.</summary>
    public string? Pool { get; init; }

    /// <summary>What follows from claims without a commit.</summary>
    public AttemptPolicy Attempts { get; init; } = AttemptPolicy.None;
}
