using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Reports that go into the store: the role's <c>failure.json</c>, the run's document and its events.</summary>
public sealed class StoreReports(IBlobStore blobs, RunRepository runs, RunEvents events) : IRoleReports
{
    /// <inheritdoc/>
    public async Task FailedAsync(string run, Role role, RoleFailure failure, bool refused, CancellationToken cancellationToken)
    {
        if (refused)
        {
            await runs.UpdateAsync(run, document => document.Refused ? document : document with { Refused = true }, cancellationToken);
        }

        await blobs.TryWriteJsonAsync(BlobNames.RoleFailure(run, role), failure, WriteCondition.Any, cancellationToken);
    }

    /// <inheritdoc/>
    public Task HappenedAsync(string run, Role role, string kind, string text, CancellationToken cancellationToken) =>
        events.AddAsync(run, kind, text, cancellationToken);
}
