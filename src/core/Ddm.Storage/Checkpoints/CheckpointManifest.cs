using Ddm.Runs;

namespace Ddm.Storage;

/// <summary>One blob of a checkpoint.</summary>
/// <param name="Name">File name inside the checkpoint: <c>weights.safetensors</c>.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Sha256">Hash of its content, lower-case hex.</param>
public sealed record CheckpointPart(string Name, long Length, string Sha256)
{
    /// <summary>Has a part written to a stream, and hashes it on its way.</summary>
    internal static async Task<CheckpointPart> WriteAsync(string name, Func<Stream, CancellationToken, Task> write, Stream stream, CancellationToken cancellationToken)
    {
        await using var hashing = new HashingStream(stream);
        await write(hashing, cancellationToken);
        await hashing.FlushAsync(cancellationToken);
        return new CheckpointPart(name, hashing.Length, hashing.Sha256);
    }
}

/// <summary>
/// <c>manifest.json</c> of a checkpoint: what it holds, what it was trained from and on. Written after the parts and before the head; the head and the
/// next manifest name it by its SHA-256, so that a chain of hashes leads from the head to every byte.
/// </summary>
public sealed record CheckpointManifest
{
    /// <summary>The layout this version writes and the newest it reads.</summary>
    public const int CurrentSchema = 1;

    /// <summary>Layout of this document and of the parts.</summary>
    public required int Schema { get; init; }

    /// <summary>The run.</summary>
    public required string Run { get; init; }

    /// <summary>The role's path: <c>experts/3</c>.</summary>
    public required string Role { get; init; }

    /// <summary>Steps trained.</summary>
    public required long Step { get; init; }

    /// <summary>Steps of the parent, 0 without one: this checkpoint's metrics cover the steps after it.</summary>
    public required long FromStep { get; init; }

    /// <summary>The epoch that committed it.</summary>
    public required long Epoch { get; init; }

    /// <summary>Blob prefix of the checkpoint it was trained from; null for the first.</summary>
    public string? Parent { get; init; }

    /// <summary>SHA-256 of the parent's manifest.</summary>
    public string? ParentManifestSha256 { get; init; }

    /// <summary>SHA-256 of the manifest of the data it was trained on.</summary>
    public required string DataManifestSha256 { get; init; }

    /// <summary>What decided its bits besides spec, seed and step.</summary>
    public required NumericsClass Numerics { get; init; }

    /// <summary>The blobs beside this one.</summary>
    public required IReadOnlyList<CheckpointPart> Parts { get; init; }

    /// <summary>When it was written, by its worker's clock: for people only.</summary>
    public required DateTimeOffset CommittedAt { get; init; }

    /// <summary>That of a state which a claim trained from its base.</summary>
    internal static CheckpointManifest Of(RoleClaim claim, CommitRequest request, IReadOnlyList<CheckpointPart> parts, DateTimeOffset at) => new()
    {
        Schema = CurrentSchema,
        Run = claim.Run,
        Role = claim.Role.Path,
        Step = request.Step,
        FromStep = request.FromStep,
        Epoch = claim.Epoch,
        Parent = claim.Base?.Folder,
        ParentManifestSha256 = claim.Base?.ManifestSha256,
        DataManifestSha256 = request.DataManifestSha256,
        Numerics = request.Numerics,
        Parts = parts,
        CommittedAt = at,
    };
}
