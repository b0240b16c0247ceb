using System.Collections.Concurrent;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Losses of roles for who watches them. Those of a role are read again only once its head has moved: a long chain of checkpoints is many blobs.</summary>
public sealed class RunCurves(IBlobStore blobs, CheckpointStore checkpoints)
{
    private const int MostKept = 1024;
    private readonly ConcurrentDictionary<(string Run, string Role, int Points), (string? Checkpoint, LossCurve Curve)> kept = new();

    /// <summary>A role's curve.</summary>
    /// <param name="run">The run.</param>
    /// <param name="role">The role.</param>
    /// <param name="points">Points of its loss at most.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public async Task<LossCurve> ReadAsync(string run, Role role, int points, CancellationToken cancellationToken)
    {
        var (key, checkpoint) = ((run, role.Path, points), (await checkpoints.ReadHeadAsync(run, role, cancellationToken))?.Checkpoint);
        if (kept.TryGetValue(key, out var known) && known.Checkpoint == checkpoint)
        {
            return known.Curve;
        }

        var damaged = new List<string>();
        var curve = LossCurve.Of(role.Path, await RunMetrics.HistoryAsync(blobs, checkpoints, run, role, damaged, cancellationToken), points, damaged);
        if (kept.Count >= MostKept)
        {
            kept.Clear(); // whoever still watches fills it again
        }

        kept[key] = (checkpoint, curve);
        return curve;
    }
}
