namespace Ddm.Storage;

/// <summary>What became of a claim.</summary>
public abstract record ClaimOutcome
{
    private ClaimOutcome()
    {
    }

    /// <summary>The role is ours under a new epoch: whoever had it can commit no more.</summary>
    public sealed record Claimed(RoleClaim Claim) : ClaimOutcome;

    /// <summary>A live owner has it, or won the race for it.</summary>
    public sealed record HeldBy(string Worker) : ClaimOutcome;

    /// <summary>The wake-up is void: the role stands at another step, is placed in another pool, or is held.</summary>
    public sealed record Void(RoleHead? Head) : ClaimOutcome;

    /// <summary>Claims without a commit came one after the other: it may be claimed again after <paramref name="Wait"/>.</summary>
    public sealed record NotYet(TimeSpan Wait) : ClaimOutcome;

    /// <summary>Too many claims in a row ended without a commit, on enough machines: whatever it is, it is the role's.</summary>
    public sealed record Poisoned(RoleHead Head) : ClaimOutcome;
}

/// <summary>What became of a commit.</summary>
public abstract record CommitOutcome
{
    private CommitOutcome()
    {
    }

    /// <summary>The head names the checkpoint, durably.</summary>
    public sealed record Committed(CheckpointManifest Manifest) : CommitOutcome;

    /// <summary>Somebody claimed the role since, under <paramref name="Epoch"/>: stop at once. What was written is an orphan that a sweep removes.</summary>
    public sealed record Fenced(long Epoch) : CommitOutcome;
}
