namespace Ddm.Runs;

/// <summary>What somebody who looked at the blobs saw. It may be old: the planner survives that.</summary>
public sealed record RunObservation
{
    /// <summary>The stage that <see cref="FinishedShards"/> and <see cref="StageFinished"/> speak of: the document's when the blobs were listed.</summary>
    public required RunStage Stage { get; init; }

    /// <summary>Shards of that stage whose blob exists.</summary>
    public IReadOnlySet<int> FinishedShards { get; init; } = new HashSet<int>();

    /// <summary>The stage's barrier blob exists.</summary>
    public bool StageFinished { get; init; }

    /// <summary>Steps in each role's head, by <see cref="Role.Path"/>; a role without a head is absent.</summary>
    public IReadOnlyDictionary<string, long> CommittedSteps { get; init; } = new Dictionary<string, long>();

    /// <summary>Fencing number of each role's head; a role without a head is absent.</summary>
    public IReadOnlyDictionary<string, long> Epochs { get; init; } = new Dictionary<string, long>();

    /// <summary>The pool that each role is placed in; one that is not placed is absent.</summary>
    public IReadOnlyDictionary<string, string> Pools { get; init; } = new Dictionary<string, string>();

    /// <summary>Roles that may not be claimed for a while, after failures.</summary>
    public IReadOnlySet<string> WaitingRoles { get; init; } = new HashSet<string>();

    /// <summary>Roles that nobody may claim, because a person held the run.</summary>
    public IReadOnlySet<string> HeldRoles { get; init; } = new HashSet<string>();

    /// <summary>The only roles that were looked at; null: all.</summary>
    public IReadOnlySet<string>? OnlyRoles { get; init; }

    /// <summary>Roles that a live worker owns.</summary>
    public IReadOnlySet<string> OwnedRoles { get; init; } = new HashSet<string>();

    /// <summary>Roles that gave up, and why.</summary>
    public IReadOnlyDictionary<string, string> FailedRoles { get; init; } = new Dictionary<string, string>();
}
