using System.Text.Json.Serialization;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>How a run stands, read from its blobs.</summary>
public sealed record RunFacts
{
    /// <summary>Name of the run.</summary>
    public required string Run { get; init; }

    /// <summary>Whether it goes on.</summary>
    public required RunStatus Status { get; init; }

    /// <summary>Where it is.</summary>
    public required RunStage Stage { get; init; }

    /// <summary>Why it failed.</summary>
    public string? Failure { get; init; }

    /// <summary>Whether a person has to mend something before it can go on.</summary>
    public bool Refused { get; init; }

    /// <summary>When it was submitted.</summary>
    public required DateTimeOffset SubmittedAt { get; init; }

    /// <summary>When these facts were read.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>The published model, once there is one.</summary>
    public string? ModelVersion { get; init; }

    /// <summary>Whether it goes on no more unless a person does something.</summary>
    [JsonIgnore]
    public bool HasEnded => Status is RunStatus.Succeeded or RunStatus.Failed or RunStatus.Cancelled or RunStatus.Removing;

    /// <summary>Experts, then the router.</summary>
    public required IReadOnlyList<RoleFacts> Roles { get; init; }

    /// <summary>The pools that there are and what waits in them; null where they were not asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<PoolFacts>? Pools { get; init; }
}

/// <summary>How a role stands.</summary>
public sealed record RoleFacts
{
    /// <summary>experts/K or router.</summary>
    public required string Role { get; init; }

    /// <summary>Committed steps.</summary>
    public required long Step { get; init; }

    /// <summary>Steps asked for.</summary>
    public required long Target { get; init; }

    /// <summary>Fencing number of the head.</summary>
    public long Epoch { get; init; }

    /// <summary>SHA-256 of the committed weights file; equal weights of equal specs have equal hashes.</summary>
    public string? Sha256 { get; init; }

    /// <summary>SHA-256 of the committed EMA weights file.</summary>
    public string? EmaSha256 { get; init; }

    /// <summary>When the last checkpoint was committed.</summary>
    public DateTimeOffset? CommittedAt { get; init; }

    /// <summary>Training loss at the last commit.</summary>
    public double? Loss { get; init; }

    /// <summary>Held-out loss at the last commit.</summary>
    public double? HeldOutLoss { get; init; }

    /// <summary>Rate before the last commit.</summary>
    public double? ImagesPerSecond { get; init; }

    /// <summary>The owner, while there is one.</summary>
    public string? Worker { get; init; }

    /// <summary>Why the role failed.</summary>
    public string? Failure { get; init; }

    /// <summary>The pool it is placed in; null: not placed yet.</summary>
    public string? Pool { get; init; }

    /// <summary>Slices since the last commit that ended without one, the present one among them.</summary>
    public int Attempts { get; init; }

    /// <summary>Until when, by the store's clock, it waits after failures.</summary>
    public DateTimeOffset? NotBefore { get; init; }
}
