using System.Text.Json.Serialization;

namespace Ddm.Runs;

/// <summary>
/// The decisions of a run, and nothing else: which work is done is seen by looking at the blobs. Moved by compare-and-swap and kept under
/// 64 KB, also with 1024 experts.
/// </summary>
public sealed record RunDocument
{
    /// <summary>The schema this code writes.</summary>
    public const int CurrentSchema = 1;

    /// <summary>Version of this document's shape.</summary>
    public int Schema { get; init; } = CurrentSchema;

    /// <summary>Name of the run.</summary>
    public required string Name { get; init; }

    /// <summary>What was asked for, defaults filled in.</summary>
    public required RunSpec Spec { get; init; }

    /// <summary>The YAML as it was submitted.</summary>
    public required string SpecText { get; init; }

    /// <summary>Absolute folder that the spec's paths are relative to.</summary>
    public required string SourceRoot { get; init; }

    /// <summary>When the run was submitted.</summary>
    public required DateTimeOffset SubmittedAt { get; init; }

    /// <summary><see cref="SubmittedAt"/> as slices carry it.</summary>
    [JsonIgnore]
    public long Submission => SubmittedAt.ToUnixTimeMilliseconds();

    /// <summary>The trace of the submission (W3C <c>traceparent</c>), which the work on the run is linked to; null where nobody listened.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Trace { get; init; }

    /// <summary>Where it stands.</summary>
    public RunStage Stage { get; init; }

    /// <summary>Id of the data set; null until the source was listed.</summary>
    public string? DatasetId { get; init; }

    /// <summary>Shards of the data set; 0 until the source was listed.</summary>
    public int ShardCount { get; init; }

    /// <summary>The numerics class of each role, by <see cref="Role.Path"/>: fixed at submission.</summary>
    [JsonConverter(typeof(NumericsByRoleConverter))]
    public IReadOnlyDictionary<string, NumericsClass> Numerics { get; init; } = new Dictionary<string, NumericsClass>();

    /// <summary>Experts 0..K-1, then the router; empty until the first plan.</summary>
    [JsonConverter(typeof(RoleDecisionsConverter))]
    public IReadOnlyList<RoleDecision> Roles { get; init; } = [];

    /// <summary>What the experts start from; null: from (seed, role) alone.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RunSeed? Init { get; init; }

    /// <summary>Version the model is published under; null until decided.</summary>
    public string? ModelVersion { get; init; }

    /// <summary>Whether it goes on.</summary>
    public RunStatus Status { get; init; }

    /// <summary>True when it failed, or a role of it, for something that a person has to mend: damaged or foreign blobs, wrong data, a full disk.</summary>
    public bool Refused { get; init; }

    /// <summary>Why it failed: names the role or the stage, and the remedy. Null otherwise.</summary>
    public string? Failure { get; init; }

    /// <summary>The run at a stage that it was at before. Whether it goes on is a person's to say: one that was paused, cancelled or failed stays so; one that was done goes on.</summary>
    public RunDocument SentBack(RunStage stage) => this with { Stage = stage, Status = Status == RunStatus.Succeeded ? RunStatus.Running : Status };
}
