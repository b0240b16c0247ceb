using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Reads how pools stand, for a run: who works there, and what waits there, also where nobody works.</summary>
public sealed class PoolInspector(RunInspector runs, WorkerDirectory directory)
{
    /// <summary>An inspector of a store that needs nothing else.</summary>
    public static PoolInspector For(IBlobStore blobs) => new(RunInspector.For(blobs), new WorkerDirectory(blobs));

    /// <summary>The pools that have workers or that roles of the run are placed in, by name.</summary>
    /// <exception cref="UserErrorException">There is no such run.</exception>
    public async Task<IReadOnlyList<PoolFacts>> InspectAsync(string run, CancellationToken cancellationToken)
    {
        var facts = await runs.InspectAsync(run, cancellationToken);
        var workers = await directory.ReadAsync(cancellationToken);
        var waiting = facts.Roles
            .Where(role => facts.Stage == RunStage.Train && role.Worker is null && role.Failure is null && role.Step < role.Target)
            .ToLookup(role => role.Pool ?? PoolName.Of(Role.Parse(role.Role)), role => role.Role);
        return
        [
            .. workers.Select(worker => worker.Record.Pool).Concat(waiting.Select(group => group.Key)).Distinct().Order(StringComparer.Ordinal)
                .Select(pool => new PoolFacts(pool, [.. workers.Where(worker => worker.Record.Pool == pool)], [.. waiting[pool]])),
        ];
    }
}
