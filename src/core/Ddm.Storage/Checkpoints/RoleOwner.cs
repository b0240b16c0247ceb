namespace Ddm.Storage;

/// <summary>
/// <c>owner.json</c> of a role: who trains it. Its age, by the store's clock, says whether the owner lives; the head's epoch says who may commit.
/// </summary>
public sealed record RoleOwner
{
    /// <summary>The worker of a record that cannot be read: whoever knows that nobody else can be alive may know it to be dead.</summary>
    public const string Unreadable = "unknown";

    /// <summary>The epoch that the owner claimed.</summary>
    public required long Epoch { get; init; }

    /// <summary>The owner's name, unique to its process; empty once the role was given back.</summary>
    public required string Worker { get; init; }

    /// <summary>Tells the claims of one process apart.</summary>
    public required long Attempt { get; init; }

    /// <summary>How often the owner has renewed its claim.</summary>
    public required long Renewals { get; init; }
}
