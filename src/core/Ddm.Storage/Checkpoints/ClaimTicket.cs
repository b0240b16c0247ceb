namespace Ddm.Storage;

/// <summary>A <see cref="RoleClaim"/> as one process tells it to another, as JSON.</summary>
public sealed record ClaimTicket
{
    /// <summary>The run.</summary>
    public required string Run { get; init; }

    /// <summary>The role's path: <c>experts/3</c>.</summary>
    public required string Role { get; init; }

    /// <summary>The owner record that the claim wrote.</summary>
    public required RoleOwner Owner { get; init; }

    /// <summary>ETag of the owner record.</summary>
    public required string OwnerETag { get; init; }

    /// <summary>The head as it was before the claim.</summary>
    public required RoleHead Before { get; init; }

    /// <summary>The head as the claim left it.</summary>
    public required RoleHead Head { get; init; }

    /// <summary>ETag of the head.</summary>
    public required string HeadETag { get; init; }

    /// <summary>As <see cref="RoleClaim.TakenFrom"/>.</summary>
    public string? TakenFrom { get; init; }

    /// <summary>As <see cref="RoleClaim.WantsSweep"/>.</summary>
    public required bool WantsSweep { get; init; }
}
