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

    /// <summary>Roles that a live worker owns.</summary>
    public IReadOnlySet<string> OwnedRoles { get; init; } = new HashSet<string>();

    /// <summary>Roles that gave up, and why.</summary>
    public IReadOnlyDictionary<string, string> FailedRoles { get; init; } = new Dictionary<string, string>();
}
