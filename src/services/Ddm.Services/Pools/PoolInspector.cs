using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Reads how pools stand, for a run: who works there, what is trained and what waits there, also where nobody works.</summary>
public sealed class PoolInspector(RunInspector runs, WorkerDirectory directory)
{
    /// <summary>An inspector of a store that needs nothing else.</summary>
    public static PoolInspector For(IBlobStore blobs) => new(RunInspector.For(blobs), new WorkerDirectory(blobs));

    /// <summary>The facts of a run, its pools among them: those that have workers or that roles are placed in, by name.</summary>
    /// <exception cref="UserErrorException">There is no such run.</exception>
    public async Task<RunFacts> InspectAsync(string run, CancellationToken cancellationToken)
    {
        var facts = await runs.InspectAsync(run, cancellationToken);
        return facts with { Pools = Describe(facts, [.. (await directory.ReadAsync(cancellationToken)).Select(seen => (seen.Record.Pool, WorkerFacts.Of(seen)))]) };
    }

    private static List<PoolFacts> Describe(RunFacts facts, List<(string Pool, WorkerFacts Worker)> workers)
    {
        // An owner record outlives its worker by a while. Where one process does all there are no records of workers, and its word must do.
        var alive = workers.Where(found => found.Worker.Alive).Select(found => found.Worker.Name).ToHashSet(StringComparer.Ordinal);
        var roles = facts.Roles.Where(role => facts.Stage == RunStage.Train && !facts.HasEnded && role.Failure is null && role.Step < role.Target)
            .ToLookup(role => (Pool: role.Pool ?? PoolName.Of(Role.Parse(role.Role)), IsTrained: role.Worker is { } worker && (workers.Count == 0 || alive.Contains(worker))), role => role.Role);
        return
        [
            .. workers.Select(found => found.Pool).Concat(roles.Select(group => group.Key.Pool)).Distinct().Order(StringComparer.Ordinal)
                .Select(pool => new PoolFacts(
                    pool, [.. workers.Where(found => found.Pool == pool).Select(found => found.Worker).OrderBy(worker => worker.Name, StringComparer.Ordinal)], [.. roles[(pool, true)]], [.. roles[(pool, false)]])),
        ];
    }
}
