using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>
/// How long every unfinished role has gone without a commit, and without a worker, as far as this control plane has seen: what alerts are made of. A role that it
/// looks at for the first time starts at zero, and one that it no longer looks at is forgotten, for another control plane does.
/// </summary>
internal sealed class RoleAges
{
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(15);
    private readonly ConcurrentDictionary<(string Run, string Role), Sighting> roles = new();
    private readonly TimeProvider time;

    /// <param name="time">The clock.</param>
    public RoleAges(TimeProvider time)
    {
        this.time = time;
        DdmTelemetry.Observe("ddm.role.commit.age", "s", "Time since an unfinished role's committed step last moved", () => Measure(seen => seen.MovedAt));
        DdmTelemetry.Observe("ddm.role.idle.age", "s", "Time since an unfinished role last had a worker", () => Measure(seen => seen.OwnedAt));
    }

    /// <summary>Notes a look at a run.</summary>
    public void Note(RunDocument document, RunObservation seen)
    {
        var now = time.GetTimestamp();
        var waits = document.Status == RunStatus.Running && document.Stage == RunStage.Train && seen.Stage == RunStage.Train;
        foreach (var decision in document.Roles.Where(role => seen.OnlyRoles?.Contains(role.Role) ?? true))
        {
            var key = (document.Name, decision.Role);
            var step = seen.CommittedSteps.GetValueOrDefault(decision.Role);
            if (!waits || decision.Status != RoleStatus.Training || step >= decision.TargetSteps)
            {
                roles.TryRemove(key, out _);
                continue;
            }

            var isOwned = seen.OwnedRoles.Contains(decision.Role);
            roles.AddOrUpdate(
                key,
                _ => new Sighting(step, now, now, now),
                (_, before) => new Sighting(step, before.Step == step ? before.MovedAt : now, isOwned ? now : before.OwnedAt, now));
        }
    }

    private IEnumerable<Measurement<double>> Measure(Func<Sighting, long> since)
    {
        foreach (var ((run, role), seen) in roles)
        {
            if (time.GetElapsedTime(seen.SeenAt) > Kept)
            {
                roles.TryRemove((run, role), out _);
                continue;
            }

            yield return new Measurement<double>(time.GetElapsedTime(since(seen)).TotalSeconds, new("ddm.run", run), new("ddm.role", role));
        }
    }

    private sealed record Sighting(long Step, long MovedAt, long OwnedAt, long SeenAt);
}
