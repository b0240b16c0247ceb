using Ddm.Runs;
using Ddm.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Services;

/// <summary>
/// Removes a run. First its document says so, then all else goes, and the document goes last: a process that dies in between leaves a run that says it is being
/// removed, that nobody trains, draws from or takes for a new one, and that the same command removes to the end. Published models stay: their
/// weights are copies under their own names.
/// </summary>
public sealed class RunRemoval(IBlobStore blobs, RunRepository runs)
{
    /// <summary>What would go.</summary>
    /// <param name="Blobs">How many blobs.</param>
    /// <param name="Bytes">How many bytes.</param>
    /// <param name="Document">The run's document; null when only blobs are left of it.</param>
    public sealed record Plan(int Blobs, long Bytes, RunDocument? Document);

    /// <summary>Looks at what a run is made of.</summary>
    /// <exception cref="UserErrorException">There is no such run.</exception>
    public async Task<Plan> LookAsync(string run, CancellationToken cancellationToken)
    {
        var (count, bytes) = (0, 0L);
        await foreach (var blob in blobs.ListAsync(BlobNames.Run(RunName.Require(run)), cancellationToken))
        {
            (count, bytes) = (count + 1, bytes + blob.Length);
        }

        return count > 0 ? new Plan(count, bytes, (await runs.FindAsync(run, cancellationToken))?.Value)
            : new Plan(0, 0, await runs.GetAsync(run, cancellationToken)); // throws, and names the runs there are
    }

    /// <summary>Removes a run; repeated after a crash it goes on. The caller holds the run's lock.</summary>
    /// <param name="run">The run.</param>
    /// <param name="isKnownDead">Which workers the lock proves dead: see <see cref="WorkerIdentity.IsKnownDead"/>.</param>
    /// <param name="cancellationToken">Stops it between two blobs; nothing is whole any more then.</param>
    /// <exception cref="UserErrorException">A worker elsewhere is training one of its roles.</exception>
    public async Task RemoveAsync(string run, Func<string, bool> isKnownDead, CancellationToken cancellationToken)
    {
        if (await runs.FindAsync(RunName.Require(run), cancellationToken) is { } found)
        {
            await RefuseLiveOwnersAsync(found.Value, isKnownDead, cancellationToken);
            await runs.UpdateAsync(run, d => d.Status == RunStatus.Removing ? d : d with { Status = RunStatus.Removing }, cancellationToken);
        }

        await FinishAsync(blobs, run, cancellationToken);
    }

    /// <summary>Deletes all blobs of a run whose document says that it is being removed, the document last.</summary>
    internal static async Task FinishAsync(IBlobStore blobs, string run, CancellationToken cancellationToken)
    {
        var document = BlobNames.RunDocument(run);
        await foreach (var blob in blobs.ListAsync(BlobNames.Run(run), cancellationToken))
        {
            if (blob.Name != document)
            {
                await blobs.DeleteAsync(blob.Name, cancellationToken);
            }
        }

        await blobs.DeleteAsync(document, cancellationToken);
    }

    private async Task RefuseLiveOwnersAsync(RunDocument document, Func<string, bool> isKnownDead, CancellationToken cancellationToken)
    {
        var checkpoints = new CheckpointStore(blobs, TimeProvider.System, NullLogger.Instance);
        foreach (var role in document.Roles.Select(r => Role.Parse(r.Role)))
        {
            if (await checkpoints.ReadLiveOwnerAsync(document.Name, role, isKnownDead, RunObserver.OwnerTimeout, cancellationToken) is { } owner)
            {
                throw new UserErrorException($"run '{document.Name}' cannot be removed: {owner.Worker} is training {role}. Stop it, or wait a minute if it is dead.");
            }
        }
    }
}
