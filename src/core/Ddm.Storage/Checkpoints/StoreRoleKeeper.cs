using Ddm.Runs;

namespace Ddm.Storage;

/// <summary>Keeps a role's records in the store, by compare-and-swap.</summary>
internal sealed class StoreRoleKeeper(IBlobStore store, RoleOwnership ownership, CheckpointSeal seal, CheckpointSweep sweep) : IRoleKeeper
{
    public Task<ClaimOutcome> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken) => ownership.ClaimAsync(request, cancellationToken);

    public Task<bool> RenewAsync(RoleClaim claim, CancellationToken cancellationToken) => ownership.RenewAsync(claim, cancellationToken);

    public Task ReleaseAsync(RoleClaim claim, CancellationToken cancellationToken) => ownership.ReleaseAsync(claim, cancellationToken);

    public Task ForgiveAsync(RoleClaim claim, CancellationToken cancellationToken) => ownership.ForgiveAsync(claim, cancellationToken);

    public Task<CommitOutcome?> SealAsync(RoleClaim claim, CommitRequest request, WrittenParts written, CancellationToken cancellationToken) =>
        seal.SealAsync(claim, request, written, cancellationToken);

    public async Task SweepAsync(RoleClaim claim, RetentionSpec retention, CancellationToken cancellationToken)
    {
        foreach (var blob in await sweep.FindAsync(claim.Run, claim.Role, retention, cancellationToken))
        {
            await store.DeleteAsync(blob.Name, cancellationToken);
        }
    }
}
