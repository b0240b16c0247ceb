using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>What a control plane tells a worker that comes in from outside.</summary>
/// <param name="Holder">Whose key it brought: the names of its workers begin with that and <c>/</c>.</param>
/// <param name="Pool">The only pool it may work in; null: any.</param>
/// <param name="Container">The store, where single blobs are opened by signatures; null: blobs go through the control plane.</param>
/// <param name="OwnerTimeoutSeconds">Silence after which a worker counts as dead.</param>
internal sealed record OutsideWelcome(string Holder, string? Pool, Uri? Container, double OwnerTimeoutSeconds);

/// <summary>Which claim a request is made under; of epoch 0 before there is one.</summary>
internal sealed record OutsideClaim(string Run, string Role, string Worker, long Epoch);

/// <summary>Asks for the next slice of a pool.</summary>
internal sealed record TakeBody(string Pool, string Worker, double WaitSeconds);

/// <summary>A slice to send on: a successor, or one that is given back.</summary>
internal sealed record SliceBody(string Worker, TrainSlice Slice);

/// <summary>Says that something of a run is new.</summary>
internal sealed record AdvancedBody(OutsideClaim Claim);

/// <summary>Asks for a role.</summary>
/// <param name="Run">The run.</param>
/// <param name="Role">The role's path.</param>
/// <param name="Worker">Who asks.</param>
/// <param name="Host">Its machine.</param>
/// <param name="FromStep">The step that its slice was sent for.</param>
/// <param name="Pool">The pool that its slice came through.</param>
/// <param name="Retake">Whether an owner record of this very worker is of a slice that has ended.</param>
internal sealed record ClaimBody(string Run, string Role, string Worker, string Host, long? FromStep, string Pool, bool Retake);

/// <summary>What became of a claim.</summary>
internal enum ClaimKind
{
    /// <summary>It is the worker's.</summary>
    Claimed,

    /// <summary>A live owner has it.</summary>
    HeldBy,

    /// <summary>The wake-up is void.</summary>
    Void,

    /// <summary>It waits after failures.</summary>
    NotYet,

    /// <summary>Too many claims ended without a commit.</summary>
    Poisoned,
}

/// <summary>Answer to a <see cref="ClaimBody"/>.</summary>
internal sealed record ClaimAnswer(ClaimKind Outcome, ClaimTicket? Ticket = null, string? HeldBy = null, RoleHead? Head = null, double WaitSeconds = 0);

/// <summary>Whether a claim still holds.</summary>
internal sealed record HeldAnswer(bool IsHeld);

/// <summary>Gives a role back.</summary>
/// <param name="Claim">The claim.</param>
internal sealed record ReleaseBody(OutsideClaim Claim);

/// <summary>Takes a claim out of the count of those without a commit.</summary>
/// <param name="Claim">The claim.</param>
/// <param name="Before">The head as it was before.</param>
internal sealed record ForgiveBody(OutsideClaim Claim, RoleHead Before);

/// <summary>Asks to commit parts that are written.</summary>
internal sealed record CommitBody
{
    /// <summary>The claim.</summary>
    public required OutsideClaim Claim { get; init; }

    /// <summary>Steps trained.</summary>
    public required long Step { get; init; }

    /// <summary>Steps of what it was trained from.</summary>
    public required long FromStep { get; init; }

    /// <summary>SHA-256 of the manifest of the data trained on.</summary>
    public required string DataManifestSha256 { get; init; }

    /// <summary>The numerics class of the steps.</summary>
    public required NumericsClass Numerics { get; init; }

    /// <summary>The parts.</summary>
    public required WrittenParts Written { get; init; }

    /// <summary>What it was trained from; null: the state of step 0.</summary>
    public CheckpointReference? TrainedFrom { get; init; }

    /// <summary>Whether it is the claim's last.</summary>
    public bool GivesBack { get; init; }
}

/// <summary>What became of a commit.</summary>
internal enum CommitKind
{
    /// <summary>The head names it.</summary>
    Committed,

    /// <summary>Another has claimed the role since.</summary>
    Fenced,

    /// <summary>The folder has another manifest: take the next.</summary>
    Taken,
}

/// <summary>Answer to a <see cref="CommitBody"/>.</summary>
internal sealed record CommitAnswer(CommitKind Outcome, RoleHead? Head = null, string? HeadETag = null, CheckpointManifest? Manifest = null, long Epoch = 0);

/// <summary>Asks that a role's old checkpoints be swept.</summary>
internal sealed record SweepBody(OutsideClaim Claim);

/// <summary>Says that a role cannot go on.</summary>
internal sealed record FailureBody(OutsideClaim Claim, string Reason);

/// <summary>Something that happened.</summary>
internal sealed record EventBody(OutsideClaim Claim, string Kind, string Text);

/// <summary>Asks for a signature.</summary>
internal sealed record SignBody(OutsideClaim Claim, string Name, bool Write);

/// <summary>A signature.</summary>
/// <param name="Query">The query that opens the blob.</param>
/// <param name="Seconds">How long it holds.</param>
internal sealed record SignAnswer(string Query, double Seconds);

/// <summary>Answer to a worker's record.</summary>
/// <param name="WasThere">Whether there was one already.</param>
internal sealed record PresenceAnswer(bool WasThere);

/// <summary>How many slices wait in a pool; null: the broker does not say.</summary>
internal sealed record QueueAnswer(int? Waiting);

/// <summary>The store's clock.</summary>
internal sealed record ClockAnswer(DateTimeOffset Now);
