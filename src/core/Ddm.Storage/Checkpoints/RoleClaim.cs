using Ddm.Runs;

namespace Ddm.Storage;

/// <summary>
/// The right to train a role under one epoch, until somebody claims it with a higher one. Renewing beside committing is safe; commits and openings
/// follow one another.
/// </summary>
public sealed class RoleClaim
{
    internal RoleClaim(string run, Role role, RoleOwner owner, string ownerETag, RoleHead before, RoleHead head, string headETag, string? takenFrom)
    {
        Run = run;
        Role = role;
        Worker = owner.Worker;
        Epoch = owner.Epoch;
        Owner = owner;
        OwnerETag = ownerETag;
        Head = head;
        HeadETag = headETag;
        Before = before;
        TakenFrom = takenFrom;
        WantsSweep = takenFrom is not null || before.Attempts > 0 || (before.Checkpoint is not null && before.Kept is null);
    }

    /// <summary>The claim that another process told of.</summary>
    /// <exception cref="FormatException">The ticket names no role.</exception>
    public static RoleClaim From(ClaimTicket ticket) =>
        new(ticket.Run, Role.Parse(ticket.Role), ticket.Owner, ticket.OwnerETag, ticket.Before, ticket.Head, ticket.HeadETag, ticket.TakenFrom) { WantsSweep = ticket.WantsSweep };

    /// <summary>What another process needs to go on with the claim as it was made.</summary>
    public ClaimTicket ToTicket() => new()
    {
        Run = Run,
        Role = Role.Path,
        Owner = Owner,
        OwnerETag = OwnerETag,
        Before = Before,
        Head = Head,
        HeadETag = HeadETag,
        TakenFrom = TakenFrom,
        WantsSweep = WantsSweep,
    };

    /// <summary>The run.</summary>
    public string Run { get; }

    /// <summary>The role.</summary>
    public Role Role { get; }

    /// <summary>The owner's name.</summary>
    public string Worker { get; }

    /// <summary>The fencing number of everything this claim writes.</summary>
    public long Epoch { get; }

    /// <summary>The worker that had the role before and did not give it back: it is dead, or was silent; null: the role was free.</summary>
    public string? TakenFrom { get; }

    /// <summary>
    /// Whether the owner before it may have left something behind that no head names: then the role is to be swept by
    /// <see cref="CheckpointStore.SweepAsync(RoleClaim, RetentionSpec, CancellationToken)"/>, else <see cref="CheckpointStore.TrimAsync"/> does, which lists nothing.
    /// </summary>
    public bool WantsSweep { get; internal set; }

    /// <summary>The head as this claim last saw or moved it.</summary>
    public RoleHead Head { get; internal set; }

    /// <summary>The head as it was before the claim.</summary>
    public RoleHead Before { get; }

    internal RoleOwner Owner { get; set; }

    internal string OwnerETag { get; set; }

    /// <summary>ETag of <see cref="Head"/>.</summary>
    public string HeadETag { get; internal set; }

    /// <summary>What the next commit is trained from; null until a checkpoint was opened or committed.</summary>
    public CheckpointReference? Base { get; internal set; }

    /// <summary>Takes over what a commit that another process made in this claim's stead left behind.</summary>
    public void Stand(RoleHead head, string headETag)
    {
        (Head, HeadETag) = (head, headETag);
        Base = head.Checkpoint is null ? null : new CheckpointReference(head.Checkpoint, head.ManifestSha256!, head.Step);
    }

    /// <summary>The checkpoint that was opened.</summary>
    internal KeptCheckpoint? Opened { get; set; }

    /// <summary>A commit threw: whether it moved the head is not known.</summary>
    internal bool IsUnsure { get; set; }

    /// <summary>Blobs that retention no longer keeps and that are not deleted yet.</summary>
    internal List<string> Superseded { get; } = [];
}
