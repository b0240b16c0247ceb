using System.Text.Json.Serialization;

namespace Ddm.Serving;

/// <summary>A job as its owner sees it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Status">queued, running, completed, failed, cancelled.</param>
/// <param name="CreatedAt">Unix seconds.</param>
/// <param name="StepsDone">Steps done.</param>
/// <param name="Steps">Steps in all; 0: not known yet.</param>
/// <param name="PollUrl">Where to ask again.</param>
internal sealed record JobAnswer(string Id, string Status, long CreatedAt, int StepsDone, int Steps, string PollUrl)
{
    /// <summary>Always image.job.</summary>
    public string Object { get; } = "image.job";

    /// <summary>Jobs before it; null: it does not wait.</summary>
    public int? Position { get; init; }

    /// <summary>The process that draws it, or drew it last; null: none has begun.</summary>
    public string? ServedBy { get; init; }

    /// <summary>Unix seconds; null: it has not ended.</summary>
    public long? FinishedAt { get; init; }

    /// <summary>Unix seconds until which it is kept; null: it has not ended.</summary>
    public long? ExpiresAt { get; init; }

    /// <summary>Why it failed; null: it did not.</summary>
    public ErrorBody? Error { get; init; }

    /// <summary>The pictures; null: there are none yet.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ImagesAnswer? Result { get; init; }
}
