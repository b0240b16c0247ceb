using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Collects what a look at roles sees.</summary>
internal sealed class RoleLooks
{
    private readonly Dictionary<string, long> steps = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> epochs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> pools = new(StringComparer.Ordinal);
    private readonly HashSet<string> held = new(StringComparer.Ordinal);

    public HashSet<string> Owned { get; } = new(StringComparer.Ordinal);

    public HashSet<string> Waiting { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, string> Failed { get; } = new(StringComparer.Ordinal);

    /// <summary>Notes what a head says.</summary>
    public void Add(string role, RoleHead? head)
    {
        steps[role] = head?.Step ?? 0;
        if (head is null)
        {
            return;
        }

        epochs[role] = head.Epoch;
        if (head.Pool is { } pool)
        {
            pools[role] = pool;
        }

        if (head.Held)
        {
            held.Add(role);
        }
    }

    /// <summary>All of it.</summary>
    public RunObservation ToObservation(RunStage stage, string? only) => new()
    {
        Stage = stage,
        CommittedSteps = steps,
        Epochs = epochs,
        Pools = pools,
        OwnedRoles = Owned,
        WaitingRoles = Waiting,
        HeldRoles = held,
        FailedRoles = Failed,
        OnlyRoles = only is null ? null : new HashSet<string> { only },
    };
}
