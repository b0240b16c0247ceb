using Ddm.Runs;

namespace Ddm.Storage;

/// <summary>What <see cref="CheckpointStore.CommitAsync"/> is to make durable. The parent is what the claim opened or committed last.</summary>
public sealed record CommitRequest
{
    /// <summary>Steps trained.</summary>
    public required long Step { get; init; }

    /// <summary>Steps of what the claim opened or committed last; 0 when it began anew.</summary>
    public required long FromStep { get; init; }

    /// <summary>SHA-256 of the manifest of the data trained on.</summary>
    public required string DataManifestSha256 { get; init; }

    /// <summary>The numerics class of the steps.</summary>
    public required NumericsClass Numerics { get; init; }

    /// <summary>
    /// Names (one segment each, unique) and writers of the parts. A writer may be called more than once and must write the same bytes each time.
    /// </summary>
    public required IReadOnlyList<(string Name, Func<Stream, CancellationToken, Task> Write)> Parts { get; init; }

    /// <summary>What is kept: older tensors are deleted by <see cref="CheckpointStore.TrimAsync"/>. Null: only a sweep deletes.</summary>
    public RetentionSpec? Retention { get; init; }

    /// <summary>The claim's last commit: it gives the role back too, and the claim can do nothing more.</summary>
    public bool GivesBack { get; init; }
}
