using System.Text.Json.Serialization;

namespace Ddm.Serving;

/// <summary>A job as it lies in the store: all that a replica needs to draw it, and what came of it.</summary>
internal sealed record ImageJob
{
    /// <summary>Its id; ids sort by submission.</summary>
    public required string Id { get; init; }

    /// <summary>Whose it is: nobody else sees it.</summary>
    public required string Key { get; init; }

    /// <summary>How it stands.</summary>
    public required JobState State { get; init; }

    /// <summary>When it was submitted.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The request as it was sent; empty once it has expired.</summary>
    public required string Body { get; init; }

    /// <summary>Seed of the first picture where the request names none: whoever draws it draws the same.</summary>
    public required long Seed { get; init; }

    /// <summary>Who draws it, or drew it last.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Runner { get; init; }

    /// <summary>How often it was begun.</summary>
    public int Attempts { get; init; }

    /// <summary>Steps done.</summary>
    public int StepsDone { get; init; }

    /// <summary>Steps in all; 0: not known yet.</summary>
    public int Steps { get; init; }

    /// <summary>When it ended.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>Until when it and its pictures are kept.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>What came of it, without the files.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ImagesAnswer? Answer { get; init; }

    /// <summary>Names of its files.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>Whether it is answered with links.</summary>
    public bool AsLinks { get; init; }

    /// <summary>Why it failed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ErrorBody? Error { get; init; }

    /// <summary>HTTP status of <see cref="Error"/>.</summary>
    public int ErrorStatus { get; init; }

    /// <summary>Whether it is at its end.</summary>
    [JsonIgnore]
    public bool HasEnded => State is not (JobState.Queued or JobState.Running);
}

/// <summary>How a job stands.</summary>
internal enum JobState
{
    /// <summary>Waits.</summary>
    Queued,

    /// <summary>Is being drawn.</summary>
    Running,

    /// <summary>Its pictures are there.</summary>
    Completed,

    /// <summary>Cannot be drawn.</summary>
    Failed,

    /// <summary>Its owner took it back.</summary>
    Cancelled,

    /// <summary>Its pictures are gone.</summary>
    Expired,
}
