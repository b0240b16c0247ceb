using System.Globalization;
using Ddm.Runs;

namespace Ddm.Storage;

/// <summary>
/// A role's states kept on the worker's own disk between two commits, where commits are rare because the line to the store is slow. One follows on a checkpoint of the
/// store by its hash and is worth something only while the role's head names that one; it is no link of the chain, moves no head and promises nothing to
/// others. Every byte is verified before it is trained on.
/// </summary>
public sealed class LocalCheckpoints
{
    private readonly IBlobStore store;
    private readonly CheckpointChain chain;
    private readonly TimeProvider clock;

    /// <summary>States in a store that outlives the process and need not outlive the machine.</summary>
    /// <param name="store">Where to.</param>
    /// <param name="clock">Stamps manifests, for people.</param>
    public LocalCheckpoints(IBlobStore store, TimeProvider clock)
    {
        (this.store, this.clock) = (store, clock);
        chain = new CheckpointChain(store);
    }

    /// <summary>Keeps a state, and lets go of the role's older ones.</summary>
    /// <param name="identity">Tells the run from another of its name; one segment of a blob name.</param>
    /// <param name="claim">The claim under which it was trained: the state follows on what that opened or committed last.</param>
    /// <param name="request">What would be committed.</param>
    /// <param name="cancellationToken">Drops the work; what was kept before stays.</param>
    public async Task KeepAsync(string identity, RoleClaim claim, CommitRequest request, CancellationToken cancellationToken)
    {
        var folder = Folder(identity, claim.Run, claim.Role, request.Step, claim.Epoch);
        var parts = new List<CheckpointPart>(request.Parts.Count);
        foreach (var (name, write) in request.Parts)
        {
            await store.TryWriteStreamAsync(
                folder + name, async (stream, token) => parts.Add(await CheckpointPart.WriteAsync(name, write, stream, token)), WriteCondition.Any, cancellationToken);
        }

        var manifest = CheckpointManifest.Of(claim, request, parts, clock.GetUtcNow());
        await store.TryWriteJsonAsync(folder + RoleBlobs.ManifestName, manifest, WriteCondition.Any, cancellationToken);
        await ForgetAsync(identity, claim.Run, claim.Role, except: folder, cancellationToken);
    }

    /// <summary>The newest whole state that follows on a checkpoint.</summary>
    /// <param name="identity">As it was kept under.</param>
    /// <param name="run">The run.</param>
    /// <param name="role">The role.</param>
    /// <param name="parentManifestSha256">SHA-256 of the manifest of the checkpoint that the role's head names; null: step 0.</param>
    /// <param name="dataManifestSha256">The data that training goes on with.</param>
    /// <param name="numerics">The role's numerics class.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>Null where there is none.</returns>
    public async Task<OpenedCheckpoint?> OpenAsync(
        string identity, string run, Role role, string? parentManifestSha256, string dataManifestSha256, NumericsClass numerics, CancellationToken cancellationToken)
    {
        var kept = await store.ListAsync(Folder(identity, run, role), cancellationToken).ToListAsync(cancellationToken);
        foreach (var folder in kept.Select(blob => blob.Name[..(blob.Name.LastIndexOf('/') + 1)]).Distinct().OrderDescending(StringComparer.Ordinal))
        {
            var link = await ReadAsync(new RoleBlobs(run, role), folder, cancellationToken);
            var bytes = new Dictionary<string, byte[]>(StringComparer.Ordinal);
            if (link?.Manifest is { } manifest && manifest.ParentManifestSha256 == parentManifestSha256 && manifest.DataManifestSha256 == dataManifestSha256
                && manifest.Numerics == numerics && await chain.FindBadPartAsync(link, bytes, cancellationToken) is null)
            {
                return new OpenedCheckpoint(store, new CheckpointReference(folder, link.ManifestSha256, manifest.Step), manifest, [], bytes) { IsCommitted = false };
            }
        }

        return null;
    }

    /// <summary>Lets go of all that is kept of a role.</summary>
    public Task ForgetAsync(string identity, string run, Role role, CancellationToken cancellationToken) => ForgetAsync(identity, run, role, null, cancellationToken);

    /// <summary>Lets go of what nobody has touched for a while: of runs that went on elsewhere.</summary>
    /// <param name="age">From which age on, by the store's clock.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task ForgetOldAsync(TimeSpan age, CancellationToken cancellationToken)
    {
        var now = await store.ReadClockAsync(cancellationToken);
        await DeleteAsync((await store.ListAsync("", cancellationToken).ToListAsync(cancellationToken)).Where(blob => now - blob.LastModified > age), cancellationToken);
    }

    private static string Folder(string identity, string run, Role role) => $"{run}/{identity}/{role.Path}/";

    private static string Folder(string identity, string run, Role role, long step, long epoch)
        => string.Create(CultureInfo.InvariantCulture, $"{Folder(identity, run, role)}{step:D12}-{epoch}/");

    private async Task ForgetAsync(string identity, string run, Role role, string? except, CancellationToken cancellationToken)
        => await DeleteAsync(
            (await store.ListAsync(Folder(identity, run, role), cancellationToken).ToListAsync(cancellationToken)).Where(blob => except is null || !blob.Name.StartsWith(except, StringComparison.Ordinal)), cancellationToken);

    // A manifest goes before what it names.
    private async Task DeleteAsync(IEnumerable<BlobInfo> blobs, CancellationToken cancellationToken)
    {
        foreach (var blob in blobs.OrderByDescending(blob => blob.Name.EndsWith(RoleBlobs.ManifestName, StringComparison.Ordinal)))
        {
            await store.DeleteAsync(blob.Name, cancellationToken);
        }
    }

    // What cannot be read is worth nothing, and no fault of the role's.
    private async Task<ChainLink?> ReadAsync(RoleBlobs blobs, string folder, CancellationToken cancellationToken)
    {
        try
        {
            return await chain.ReadAsync(blobs, folder, null, cancellationToken);
        }
        catch (CheckpointException)
        {
            return null;
        }
    }
}
