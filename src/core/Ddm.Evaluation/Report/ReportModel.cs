using Ddm.Runs;

namespace Ddm.Evaluation;

/// <summary>
/// Everything a run's report shows, as plain data. What was not measured stays null or empty: its section then says so or is left out,
/// and nothing is invented in its place.
/// </summary>
public sealed record ReportModel
{
    /// <summary>The run's name, as its spec gives it.</summary>
    public required string RunName { get; init; }

    /// <summary>The spec as it was submitted, YAML.</summary>
    public required string SpecText { get; init; }

    /// <summary>When the report was written.</summary>
    public required DateTimeOffset WrittenAt { get; init; }

    /// <summary>The published version, null before publication.</summary>
    public string? ModelVersion { get; init; }

    /// <summary>The routing strategy that the model draws with unless asked otherwise.</summary>
    public string? DefaultStrategy { get; init; }

    /// <summary>What a reader must know before believing the rest: missing experts, failed or unfinished roles, quarantined images.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>The data set.</summary>
    public DatasetFacts? Dataset { get; init; }

    /// <summary>The partition and its clusters.</summary>
    public ClusterFacts? Clusters { get; init; }

    /// <summary>The roles in the order they are to be shown: experts by number, then the router.</summary>
    public IReadOnlyList<RoleFacts> Roles { get; init; } = [];

    /// <summary>What the experts started from; null: from random weights of their own.</summary>
    public string? Start { get; init; }

    /// <summary>The router on held-out rows, by time.</summary>
    public RouterReport? Router { get; init; }

    /// <summary>What captions are worth; null: not measured.</summary>
    public CaptionReport? Captions { get; init; }

    /// <summary>Pictures by strategy, drawn with fixed seeds.</summary>
    public IReadOnlyList<SampleGrid> Grids { get; init; } = [];

    /// <summary>Agreement of drawn pictures with the class they were asked for, by strategy.</summary>
    public IReadOnlyList<AgreementFacts> Agreements { get; init; } = [];

    /// <summary>Distances between drawn and real pictures.</summary>
    public IReadOnlyList<DistanceFacts> Distances { get; init; } = [];

    /// <summary>Wall-clock time by stage, in the order the stages ran.</summary>
    public IReadOnlyList<StageCost> Stages { get; init; } = [];

    /// <summary>Numerics class by role path.</summary>
    public IReadOnlyDictionary<string, NumericsClass> Numerics { get; init; } = new Dictionary<string, NumericsClass>();

    /// <summary>What the run was made with: name and version or hash.</summary>
    public IReadOnlyList<NamedValue> Versions { get; init; } = [];

    /// <summary>The commands that reproduce the run and draw from its model.</summary>
    public IReadOnlyList<ReportCommand> Commands { get; init; } = [];
}

/// <summary>A name and its value, shown as they are.</summary>
public sealed record NamedValue(string Name, string Value);

/// <summary>A command line and what it does.</summary>
public sealed record ReportCommand(string What, string CommandLine);

/// <summary>One stage of the run and the seconds it took on the wall clock.</summary>
public sealed record StageCost(string Stage, double Seconds);
