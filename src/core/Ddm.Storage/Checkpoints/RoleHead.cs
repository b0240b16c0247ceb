namespace Ddm.Storage;

/// <summary>
/// <c>head.json</c> of a role: the one small blob that says where its training stands, moved by compare-and-swap alone. It names the newest
/// checkpoint's parent too, so that a lost manifest does not cut the way to the one before.
/// </summary>
public sealed record RoleHead
{
    /// <summary>The layout this version writes and the newest it reads.</summary>
    public const int CurrentSchema = 1;

    /// <summary>Layout of this document.</summary>
    public required int Schema { get; init; }

    /// <summary>Fencing number: only the claim of this epoch may commit.</summary>
    public required long Epoch { get; init; }

    /// <summary>Steps committed; 0 before the first commit.</summary>
    public required long Step { get; init; }

    /// <summary>Blob prefix of the newest checkpoint, with its final <c>/</c>; null before the first commit.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>SHA-256 of the newest checkpoint's manifest, lower-case hex.</summary>
    public string? ManifestSha256 { get; init; }

    /// <summary>Blob prefix of the checkpoint it was trained from; null for the first.</summary>
    public string? Parent { get; init; }

    /// <summary>SHA-256 of the parent's manifest.</summary>
    public string? ParentManifestSha256 { get; init; }
}
