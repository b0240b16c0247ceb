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
