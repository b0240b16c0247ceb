using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>What a look at a role sees.</summary>
/// <param name="Role">The role.</param>
/// <param name="Head">Its head; null: it has none.</param>
internal sealed record RoleLook(string Role, RoleHead? Head)
{
    /// <summary>A live worker has it.</summary>
    public bool IsOwned { get; init; }

    /// <summary>It may not be claimed for a while, after failures.</summary>
    public bool IsResting { get; init; }

    /// <summary>Why it gave up; null: it did not.</summary>
    public string? Failure { get; init; }

    /// <summary>All of them.</summary>
    public static RunObservation ToObservation(IReadOnlyList<RoleLook> looks, RunStage stage, string? only) => new()
    {
        Stage = stage,
        CommittedSteps = looks.ToDictionary(look => look.Role, look => look.Head?.Step ?? 0, StringComparer.Ordinal),
        Epochs = looks.Where(look => look.Head is not null).ToDictionary(look => look.Role, look => look.Head!.Epoch, StringComparer.Ordinal),
        Pools = looks.Where(look => look.Head?.Pool is not null).ToDictionary(look => look.Role, look => look.Head!.Pool!, StringComparer.Ordinal),
        OwnedRoles = Named(looks, look => look.IsOwned),
        WaitingRoles = Named(looks, look => look.IsResting),
        HeldRoles = Named(looks, look => look.Head is { Held: true }),
        FailedRoles = looks.Where(look => look.Failure is not null).ToDictionary(look => look.Role, look => look.Failure!, StringComparer.Ordinal),
        OnlyRoles = only is null ? null : new HashSet<string> { only },
    };

    private static HashSet<string> Named(IEnumerable<RoleLook> looks, Func<RoleLook, bool> which)
        => looks.Where(which).Select(look => look.Role).ToHashSet(StringComparer.Ordinal);
}
