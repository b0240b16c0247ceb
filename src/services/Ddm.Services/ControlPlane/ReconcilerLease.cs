namespace Ddm.Services;

/// <summary><c>reconciler.json</c> of a run: which control plane looks at it. A saving, not a guard: two that look at once come to the same end.</summary>
public sealed record ReconcilerLease
{
    /// <summary>The holder's name, unique to its process; empty once it was given back.</summary>
    public required string Worker { get; init; }

    /// <summary>How often it was renewed: the record's age, by the store's clock, says whether the holder lives.</summary>
    public required long Renewals { get; init; }
}
