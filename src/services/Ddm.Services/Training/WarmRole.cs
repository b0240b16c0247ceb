using Ddm.Runs;

namespace Ddm.Services;

/// <summary>A role's trainer, kept between its slices: its next slice reads nothing when the head still names what the trainer stands on.</summary>
/// <param name="Document">The run as it was when the trainer was opened.</param>
/// <param name="Role">The role.</param>
/// <param name="Trainer">The trainer, with the state of <paramref name="Document"/>'s role.</param>
internal sealed record WarmRole(RunDocument Document, Role Role, IRoleTrainer Trainer)
{
    /// <summary>What this machine keeps of the role between commits; null: nothing.</summary>
    public LocalRole? Local { get; init; }

    /// <summary>SHA-256 of the manifest of the checkpoint that the trainer's steps follow on; null: step 0.</summary>
    public string? ManifestSha256 { get; set; }

    /// <summary>Steps of that checkpoint.</summary>
    public long CommittedStep { get; set; }

    /// <summary>When it was committed.</summary>
    public DateTimeOffset? CommittedAt { get; set; }

    /// <summary>A commit may cost this share of the time between two.</summary>
    internal const int CommitShare = 20;

    /// <summary>How long the last commit took, copying and writing; null before the first.</summary>
    public TimeSpan? CommitTime { get; private set; }

    /// <summary>Time between two commits that commits as slow as the last ones deserve; zero before the first.</summary>
    public TimeSpan CommitInterval { get; private set; }

    /// <summary>False from the moment when a load or a step may have left half a state.</summary>
    public bool IsWhole { get; set; }

    /// <summary>
    /// Notes how long a commit took. The interval at most doubles with each: one commit that met an outage of minutes must not leave hours of steps to a crash, and
    /// a line that stays slow is known after a few.
    /// </summary>
    /// <param name="took">The time.</param>
    /// <param name="least">The interval that was asked for.</param>
    public void Measure(TimeSpan took, TimeSpan least)
    {
        var (wanted, most) = (took * CommitShare, (CommitInterval > least ? CommitInterval : least) * 2);
        (CommitTime, CommitInterval) = (took, wanted < most ? wanted : most);
    }

    /// <summary>Whether it is of this role of this very run: a run of the same name may have taken its place.</summary>
    public bool IsOf(RunDocument document, Role role) => Role == role && Document.Name == document.Name && Document.SubmittedAt == document.SubmittedAt;
}
