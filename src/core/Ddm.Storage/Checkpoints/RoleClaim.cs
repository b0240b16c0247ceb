using Ddm.Runs;

namespace Ddm.Storage;

/// <summary>
/// The right to train a role under one epoch, until somebody claims it with a higher one. Renewing beside committing is safe; commits and openings
/// follow one another.
/// </summary>
public sealed class RoleClaim
{
    internal RoleClaim(string run, Role role, RoleOwner owner, string ownerETag, RoleHead head, string headETag)
    {
        Run = run;
        Role = role;
        Worker = owner.Worker;
        Epoch = owner.Epoch;
        Owner = owner;
        OwnerETag = ownerETag;
        Head = head;
        HeadETag = headETag;
    }

    /// <summary>The run.</summary>
    public string Run { get; }

    /// <summary>The role.</summary>
    public Role Role { get; }

    /// <summary>The owner's name.</summary>
    public string Worker { get; }

    /// <summary>The fencing number of everything this claim writes.</summary>
    public long Epoch { get; }

    /// <summary>The head as this claim last saw or moved it.</summary>
    public RoleHead Head { get; internal set; }

    internal RoleOwner Owner { get; set; }

    internal string OwnerETag { get; set; }

    internal string HeadETag { get; set; }

    /// <summary>What the next commit is trained from; null until a checkpoint was opened or committed.</summary>
    internal CheckpointReference? Base { get; set; }
}
