namespace Ddm.Runs;

/// <summary>
/// Decides what a run does next. Pure: no clock, no store, no chance. Planning the planned document against the same observation sends the
/// same commands and changes nothing, so that any number of planners may look at a run at once.
/// </summary>
public static class Planner
{
    /// <summary>Roles whose failure is told in full; the document stays small even when a thousand fail.</summary>
    private const int FailuresTold = 16;

    private const int FailureLength = 400;

    /// <summary>The next decisions, and the commands that carry them out.</summary>
    /// <param name="document">The decisions so far.</param>
    /// <param name="observation">What the blobs say.</param>
    /// <exception cref="UserErrorException">A newer version of the program wrote the document.</exception>
    public static RunPlan Plan(RunDocument document, RunObservation observation)
    {
        if (document.Schema > RunDocument.CurrentSchema)
        {
            throw new UserErrorException(
                $"Run '{document.Name}' was written with schema {document.Schema}, and this program knows {RunDocument.CurrentSchema} at most. Upgrade it.");
        }

        var next = document;
        for (var decided = Decide(next, observation); !ReferenceEquals(decided, next); decided = Decide(next, observation))
        {
            next = decided;
        }

        return new RunPlan(next, next.Status == RunStatus.Running ? [.. Commands(next, observation)] : []);
    }

    /// <summary>One decision more, or the same instance when there is none to take.</summary>
    private static RunDocument Decide(RunDocument run, RunObservation seen)
    {
        if (run.Status != RunStatus.Running)
        {
            return run;
        }

        if (run.Roles.Count == 0)
        {
            return run with { Roles = RolesOf(run.Spec) };
        }

        // An observation of another stage says nothing about this stage's shards and barrier.
        var current = seen.Stage == run.Stage;
        switch (run.Stage)
        {
            case RunStage.Ingest when run.DatasetId is null || run.ShardCount < 1:
                return Fail(run, $"Run '{run.Name}' has no images: '{run.Spec.Data.Source}' under '{run.SourceRoot}' was not listed, or is empty.");
            case RunStage.Ingest or RunStage.ExtractFeatures or RunStage.AssignShards:
                return current && (seen.StageFinished || Missing(run, seen).Count == 0) ? Advance(run) : run;
            case RunStage.Train:
                return DecideRoles(run, seen);
            case RunStage.Done:
                return run with { Status = RunStatus.Succeeded };
            default:
                return current && seen.StageFinished ? Advance(run) : run;
        }
    }

    private static RunDocument Advance(RunDocument run) => run with { Stage = run.Stage + 1 };

    private static RunDocument Fail(RunDocument run, string failure) => run with { Status = RunStatus.Failed, Failure = failure };

    private static List<RoleDecision> RolesOf(RunSpec spec) =>
    [
        .. Enumerable.Range(0, spec.Partition.Experts).Select(k => new RoleDecision(Role.Expert(k).Path, spec.Experts.Steps, RoleStatus.Training)),
        new RoleDecision(Role.Router.Path, spec.Router.Training.Steps, RoleStatus.Training),
    ];

    private static RunDocument DecideRoles(RunDocument run, RunObservation seen)
    {
        var failures = run.Roles.Count(role => role.Status == RoleStatus.Failed);
        var roles = run.Roles.Select(role => DecideRole(role, seen, ref failures)).ToList();
        if (!roles.SequenceEqual(run.Roles))
        {
            return run with { Roles = roles };
        }

        // Without a router no finished expert can be used. An expert's failure waits until the others have done their work.
        var failed = roles.FirstOrDefault(role => role.Status == RoleStatus.Failed && role.Role == Role.Router.Path)
            ?? (roles.Exists(role => role.Status == RoleStatus.Training) ? null : roles.Find(role => role.Status == RoleStatus.Failed));
        if (failed is not null)
        {
            var others = failures == 1 ? "" : $" ({failures - 1} more failed)";
            return Fail(run, $"{failed.Role} failed{others}: {failed.Failure} All committed checkpoints are kept.");
        }

        return roles.TrueForAll(role => role.Status == RoleStatus.Complete) ? Advance(run) : run;
    }

    private static RoleDecision DecideRole(RoleDecision role, RunObservation seen, ref int failures)
    {
        if (role.Status != RoleStatus.Training)
        {
            return role;
        }

        if (seen.CommittedSteps.TryGetValue(role.Role, out var steps) && steps >= role.TargetSteps)
        {
            return role with { Status = RoleStatus.Complete };
        }

        return seen.FailedRoles.TryGetValue(role.Role, out var reason)
            ? role with { Status = RoleStatus.Failed, Failure = Shorten(reason, ++failures) }
            : role;
    }

    private static string Shorten(string reason, int ordinal) =>
        ordinal > FailuresTold ? "See the run's events." :
        reason.Length <= FailureLength ? reason : string.Concat(reason.AsSpan(0, FailureLength), "...");

    private static List<int> Missing(RunDocument run, RunObservation seen) => seen.Stage == run.Stage
        ? [.. Enumerable.Range(0, run.ShardCount).Where(shard => !seen.FinishedShards.Contains(shard))]
        : [.. Enumerable.Range(0, run.ShardCount)];

    private static bool IsFree(string role, RunObservation seen) =>
        seen.OnlyRoles?.Contains(role) != false && !seen.OwnedRoles.Contains(role) && !seen.WaitingRoles.Contains(role) && !seen.HeldRoles.Contains(role);

    private static IEnumerable<IRunCommand> Commands(RunDocument run, RunObservation seen) => run.Stage switch
    {
        RunStage.Ingest => Missing(run, seen).Select(shard => new IngestShard(run.Name, shard)),
        RunStage.FitFeatures => [new FitFeatures(run.Name)],
        RunStage.ExtractFeatures => Missing(run, seen).Select(shard => new ExtractFeatures(run.Name, shard)),
        RunStage.FitPartition => [new FitPartition(run.Name)],
        RunStage.AssignShards => Missing(run, seen).Select(shard => new AssignShard(run.Name, shard)),
        RunStage.FreezeClusters => [new FreezeClusters(run.Name)],
        RunStage.Train => run.Roles
            .Where(role => role.Status == RoleStatus.Training && IsFree(role.Role, seen))
            .Select(role => new TrainSlice(
                run.Name, role.Role, seen.CommittedSteps.GetValueOrDefault(role.Role), seen.Pools.GetValueOrDefault(role.Role) ?? PoolName.Of(Role.Parse(role.Role)), run.Submission)),
        RunStage.Evaluate => [new EvaluateRun(run.Name)],
        RunStage.Publish => [new PublishModel(run.Name)],
        _ => [],
    };
}
