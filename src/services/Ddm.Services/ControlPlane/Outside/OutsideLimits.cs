using Ddm.Runs;
using Ddm.Storage;
using Ddm.Training;

namespace Ddm.Services;

/// <summary>What a worker from outside may see and do: its key says in which pool, the role's owner record and head say to which role. Nothing here is remembered but offers.</summary>
internal sealed class OutsideLimits(CheckpointStore checkpoints, RunRepository runs, SliceOffers offers)
{
    /// <summary>The role of a claim; the worker must be one of the holder's.</summary>
    /// <exception cref="OutsideRefusedException">It is another's.</exception>
    /// <exception cref="UserErrorException">The names are no names.</exception>
    public static Role RequireOwn(KeyHolder holder, OutsideClaim claim)
    {
        RequireOwn(holder, claim.Worker);
        return RoleOf(claim.Run, claim.Role);
    }

    /// <summary>The worker must be one of the holder's.</summary>
    /// <exception cref="OutsideRefusedException">It is another's.</exception>
    public static void RequireOwn(KeyHolder holder, string worker)
    {
        if (!holder.Owns(worker))
        {
            throw new OutsideRefusedException($"Worker '{Printable.Text(worker)}' is not of key '{holder.Name}': its workers' names begin with '{holder.Name}/'.");
        }
    }

    /// <summary>The holder must be let into the pool.</summary>
    /// <exception cref="OutsideRefusedException">It is not.</exception>
    /// <exception cref="UserErrorException">The name is no pool's.</exception>
    public static void RequirePool(KeyHolder holder, string pool)
    {
        PoolName.Require(pool);
        if (holder.Pool is not null && holder.Pool != pool)
        {
            throw new OutsideRefusedException($"Key '{holder.Name}' is for pool '{holder.Pool}', not for '{pool}'. Set Ddm:Pool to '{holder.Pool}', or ask for a key of the other pool.");
        }
    }

    /// <summary>The run of a role that is placed in one of the holder's pools, or whose slice the holder was handed.</summary>
    /// <exception cref="OutsideRefusedException">It is elsewhere; a run that is not there gets the same answer.</exception>
    public async Task<RunDocument> RequirePlacedAsync(KeyHolder holder, string run, Role role, string? pool, CancellationToken cancellationToken)
    {
        if ((await runs.FindAsync(run, cancellationToken))?.Value is { Stage: RunStage.Train } document && document.Numerics.ContainsKey(role.Path))
        {
            var head = await checkpoints.ReadHeadAsync(run, role, cancellationToken);
            string[] at = head?.Pool is { } placed ? [placed] : [.. Roles.Training(document.Spec, role).Pools];
            if (at.Any(Fits) || (head?.Pool is null && (pool ?? holder.Pool) is { } asked && offers.Knows(holder, run, role.Path, asked)))
            {
                return document;
            }
        }

        throw new OutsideRefusedException($"{role} of run '{run}' is not placed in a pool that key '{holder.Name}' works in.");

        bool Fits(string placed) => placed == pool || (pool is null && (holder.Pool is null || placed == holder.Pool));
    }

    /// <summary>The claim, which must stand.</summary>
    /// <exception cref="OutsideRefusedException">It was given back or taken away.</exception>
    public async Task<RoleClaim> RequireClaimAsync(KeyHolder holder, OutsideClaim claim, RoleHead? before, CancellationToken cancellationToken) =>
        await FindClaimAsync(holder, claim, before, cancellationToken) ?? throw new OutsideRefusedException(
            $"{claim.Role} of run '{claim.Run}' is not worker '{claim.Worker}''s at epoch {claim.Epoch} any more, or never was.");

    /// <summary>The claim; null when it was given back or taken away.</summary>
    public async Task<RoleClaim?> FindClaimAsync(KeyHolder holder, OutsideClaim claim, RoleHead? before, CancellationToken cancellationToken)
    {
        var role = RequireOwn(holder, claim);
        return await checkpoints.ResumeAsync(claim.Run, role, claim.Worker, claim.Epoch, before, cancellationToken);
    }

    /// <summary>Lets a worker at a blob, or refuses.</summary>
    /// <exception cref="OutsideRefusedException">It is none of its role's, or none that it may write.</exception>
    public async Task RequireBlobAsync(KeyHolder holder, OutsideClaim claim, string name, bool write, CancellationToken cancellationToken)
    {
        var role = RequireOwn(holder, claim);
        if (!write && (name == BlobNames.RunDocument(claim.Run) || name == BlobNames.Head(claim.Run, role)))
        {
            // Before the role is claimed, and after it was lost.
            await RequirePlacedAsync(holder, claim.Run, role, pool: null, cancellationToken);
            return;
        }

        var held = await RequireClaimAsync(holder, claim, null, cancellationToken);
        var document = runs.LastSeen(claim.Run) ?? await runs.GetAsync(claim.Run, cancellationToken);
        if (!BlobName.IsValid(name) || !(write ? await MayWriteAsync(document, held, name, cancellationToken) : MayRead(document, role, name)))
        {
            throw new OutsideRefusedException(
                $"{role} of run '{claim.Run}' does not open '{Printable.Text(name)}' to be {(write ? "written" : "read")}: a worker reads its own cluster and checkpoints, and writes new parts of the checkpoint that it is to commit next.");
        }
    }

    private static bool MayRead(RunDocument document, Role role, string name)
    {
        var run = document.Name;
        return name.StartsWith(BlobNames.Checkpoints(run, role), StringComparison.Ordinal)
            || name.StartsWith(BlobNames.Init(run), StringComparison.Ordinal)
            || name == BlobNames.DatasetManifest(document.DatasetId!)
            || (role.Kind == RoleKind.Expert
                ? name.StartsWith(BlobNames.Cluster(run, role.Index), StringComparison.Ordinal)
                : Enumerable.Range(0, document.Spec.Partition.Experts).Any(k => name.StartsWith(BlobNames.Cluster(run, k), StringComparison.Ordinal)));
    }

    private Task<bool> MayWriteAsync(RunDocument document, RoleClaim claim, string name, CancellationToken cancellationToken)
    {
        var target = document.Roles.First(role => role.Role == claim.Role.Path).TargetSteps;
        return checkpoints.IsNextPartAsync(claim, name, target, cancellationToken);
    }

    /// <summary>The role that a text names, of a run that a text names.</summary>
    /// <exception cref="UserErrorException">They name none.</exception>
    public static Role RoleOf(string run, string role)
    {
        RunName.Require(run);
        try
        {
            return Role.Parse(role);
        }
        catch (FormatException e)
        {
            throw new UserErrorException(e.Message, e);
        }
    }
}
