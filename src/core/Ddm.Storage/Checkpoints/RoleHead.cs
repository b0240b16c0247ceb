using System.Text.Json.Serialization;

namespace Ddm.Storage;

/// <summary>
/// <c>head.json</c> of a role: the one small blob that says where its training stands, moved by compare-and-swap alone. It names the newest
/// checkpoint's parent too, so that a lost manifest does not cut the way to the one before.
/// </summary>
public sealed record RoleHead
{
    /// <summary>
    /// The layout this version writes and the newest it reads; older ones are read too, and written anew by the next claim. 2: attempts, pool, hold and
    /// what is kept.
    /// </summary>
    public const int CurrentSchema = 2;

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

    /// <summary>Claims since the last commit. Counted by the claim itself, before its work: a worker that dies leaves no other trace.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Attempts { get; init; }

    /// <summary>The machines of those claims, each once; null: none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Tried { get; init; }

    /// <summary>Until when, by the store's clock, nobody may claim it after failures; null: at once.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>The pool it is placed in: a wake-up through another pool's queue is void. Null: not placed yet.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Pool { get; init; }

    /// <summary>Nobody may claim it: its run is paused or cancelled.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Held { get; init; }

    /// <summary>The commit that moved this head was its owner's last: the owner record need not be waited for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool GivenBack { get; init; }

    /// <summary>ETag of the owner record that a <see cref="GivenBack"/> head leaves behind: the next claim swaps it unread. Null: it must be read.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? OwnerETag { get; init; }

    /// <summary>Checkpoints with tensors, newest first, as far as retention still has to look at them; null: unknown, a sweep must list.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<KeptCheckpoint>? Kept { get; init; }

    /// <summary>By content, that of the lists too.</summary>
    public bool Equals(RoleHead? other) => other is not null && BlobJson.Serialize(this).AsSpan().SequenceEqual(BlobJson.Serialize(other));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Epoch, Step, Checkpoint);
}
