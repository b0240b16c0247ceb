namespace Ddm.Storage;

/// <summary>What must hold for a write to happen; <c>default</c> is <see cref="Any"/>.</summary>
public readonly record struct WriteCondition
{
    private WriteCondition(bool ifAbsent, string? matchETag)
    {
        RequiresAbsent = ifAbsent;
        MatchETag = matchETag;
    }

    /// <summary>Write whatever is there.</summary>
    public static WriteCondition Any => default;

    /// <summary>Write only a name that holds no blob: the first writer wins.</summary>
    public static WriteCondition IfAbsent => new(ifAbsent: true, matchETag: null);

    /// <summary>True for <see cref="IfAbsent"/>.</summary>
    public bool RequiresAbsent { get; }

    /// <summary>The ETag of <see cref="IfMatch"/>, else null.</summary>
    public string? MatchETag { get; }

    /// <summary>Write only over the content that <paramref name="etag"/> names: compare and swap.</summary>
    public static WriteCondition IfMatch(string etag)
    {
        ArgumentException.ThrowIfNullOrEmpty(etag);
        return new(ifAbsent: false, etag);
    }

    /// <summary>Whether the condition holds where the name now has <paramref name="currentETag"/> (null: no blob).</summary>
    public bool HoldsFor(string? currentETag) =>
        RequiresAbsent ? currentETag is null : MatchETag is null || string.Equals(MatchETag, currentETag, StringComparison.Ordinal);
}
