using System.Text.Json.Serialization;

namespace Ddm.Runs;

/// <summary>Whether a run goes on.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RunStatus>))]
public enum RunStatus
{
    /// <summary>It does.</summary>
    Running,

    /// <summary>Held by a person, until resumed.</summary>
    Paused,

    /// <summary>Ended by a person.</summary>
    Cancelled,

    /// <summary>Ended by a failure that <see cref="RunDocument.Failure"/> describes.</summary>
    Failed,

    /// <summary>Its model is published.</summary>
    Succeeded,

    /// <summary>Its blobs are being deleted, or were when the process that did it died: nothing of it may be used any more.</summary>
    Removing,
}
