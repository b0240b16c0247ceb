using System.Globalization;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>What this machine keeps of one role of one run between commits. Never in the way: what cannot be kept or read is told and done without.</summary>
/// <param name="checkpoints">This machine's.</param>
/// <param name="document">The run.</param>
/// <param name="role">The role.</param>
/// <param name="progress">Told what went wrong.</param>
internal sealed class LocalRole(LocalCheckpoints checkpoints, RunDocument document, Role role, IRunProgress progress)
{
    // A run of the same name may have taken this one's place.
    private readonly string identity = document.SubmittedAt.UtcTicks.ToString("x16", CultureInfo.InvariantCulture);
    private bool isTold;

    /// <summary>Whether something of the role may be there.</summary>
    public bool HasAny { get; private set; }

    /// <summary>Keeps a state; false where the disk would not.</summary>
    public async Task<bool> TryKeepAsync(RoleClaim claim, CommitRequest request, CancellationToken cancellationToken)
    {
        HasAny = true;
        return await TryAsync(() => checkpoints.KeepAsync(identity, claim, request, cancellationToken), $"step {request.Step} could not be kept on this machine");
    }

    /// <summary>The newest state that follows on the head's checkpoint; null where there is none.</summary>
    public async Task<OpenedCheckpoint?> OpenAsync(RoleClaim claim, string dataManifestSha256, CancellationToken cancellationToken)
    {
        OpenedCheckpoint? opened = null;
        await TryAsync(
            async () => opened = await checkpoints.OpenAsync(
                identity, document.Name, role, claim.Head.ManifestSha256, dataManifestSha256, document.Numerics[role.Path], cancellationToken),
            "what is kept on this machine could not be read");
        HasAny |= opened is not null;
        return opened;
    }

    /// <summary>Lets go of all: a commit has it now.</summary>
    public async Task ForgetAsync()
    {
        if (HasAny && await TryAsync(() => checkpoints.ForgetAsync(identity, document.Name, role, CancellationToken.None), "what is kept on this machine could not be deleted"))
        {
            HasAny = false;
        }
    }

    private async Task<bool> TryAsync(Func<Task> work, string fault)
    {
        try
        {
            await work();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or UserErrorException)
        {
            if (!isTold)
            {
                progress.Notice($"{role}: {fault} ({e.Message}). Ddm:{nameof(WorkerSettings.LocalFolder)} names the folder.");
            }

            isTold = true;
            return false;
        }
    }
}
