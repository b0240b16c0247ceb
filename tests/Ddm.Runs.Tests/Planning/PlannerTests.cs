namespace Ddm.Runs.Tests;

public class PlannerTests
{
    private static readonly RunDocument Fresh = Specs.Document(Specs.WithExperts(2));

    [Fact]
    public void AFreshRunIngestsEveryShardAndNamesItsRoles()
    {
        var plan = Planner.Plan(Fresh, Seen(RunStage.Ingest));

        Assert.Equal([new IngestShard("small", 0), new IngestShard("small", 1), new IngestShard("small", 2)], plan.Commands);
        Assert.Equal(
            [Role("experts/0", 600), Role("experts/1", 600), Role("router", 500)],
            plan.Document.Roles);
    }

    [Fact]
    public void OnlyMissingShardsAreAskedFor() =>
        Assert.Equal([new IngestShard("small", 1)], Planner.Plan(Fresh, Seen(RunStage.Ingest) with { FinishedShards = new HashSet<int> { 0, 2 } }).Commands);

    [Fact]
    public void ABarrierEndsAShardStageOfWhichNothingElseIsLeft()
    {
        var plan = Planner.Plan(Fresh, Seen(RunStage.Ingest) with { StageFinished = true });
        Assert.Equal(RunStage.FitFeatures, plan.Document.Stage);
        Assert.Equal([new FitFeatures("small")], plan.Commands);
    }

    [Theory]
    [InlineData(RunStage.FitFeatures, RunStage.ExtractFeatures)]
    [InlineData(RunStage.FitPartition, RunStage.AssignShards)]
    [InlineData(RunStage.FreezeClusters, RunStage.Train)]
    [InlineData(RunStage.Evaluate, RunStage.Publish)]
    [InlineData(RunStage.Publish, RunStage.Done)]
    public void ASinglePieceStageEndsWithItsBarrierOnly(RunStage stage, RunStage next)
    {
        var allShards = Seen(stage) with { FinishedShards = new HashSet<int> { 0, 1, 2 } };
        Assert.Equal(stage, Planner.Plan(At(stage), allShards).Document.Stage);
        Assert.Equal(next, Planner.Plan(At(stage), allShards with { StageFinished = true }).Document.Stage);
    }

    [Theory]
    [InlineData(RunStage.Ingest, RunStage.FitFeatures)]
    [InlineData(RunStage.ExtractFeatures, RunStage.FitPartition)]
    [InlineData(RunStage.AssignShards, RunStage.FreezeClusters)]
    public void AShardStageEndsWithItsLastShard(RunStage stage, RunStage next)
    {
        Assert.Equal(stage, Planner.Plan(At(stage), Seen(stage) with { FinishedShards = new HashSet<int> { 0, 1 } }).Document.Stage);
        Assert.Equal(next, Planner.Plan(At(stage), Seen(stage) with { FinishedShards = new HashSet<int> { 0, 1, 2 } }).Document.Stage);
    }

    [Fact]
    public void AnObservationOfAnotherStageEndsNothing()
    {
        var old = Seen(RunStage.Evaluate) with { StageFinished = true, FinishedShards = new HashSet<int> { 0, 1, 2 } };
        Assert.Equal(RunStage.Publish, Planner.Plan(At(RunStage.Publish), old).Document.Stage);
        Assert.Equal(3, Planner.Plan(At(RunStage.AssignShards), old).Commands.Count);
    }

    [Fact]
    public void AFinishedRunSucceeds()
    {
        var plan = Planner.Plan(At(RunStage.Publish), Seen(RunStage.Publish) with { StageFinished = true });
        Assert.Equal((RunStage.Done, RunStatus.Succeeded), (plan.Document.Stage, plan.Document.Status));
        Assert.Empty(plan.Commands);
    }

    [Fact]
    public void RolesShortOfTheirTargetWithoutALiveOwnerTrain()
    {
        var plan = Planner.Plan(At(RunStage.Train), Seen(RunStage.Train) with
        {
            CommittedSteps = new Dictionary<string, long> { ["experts/0"] = 599, ["router"] = 500 },
            OwnedRoles = new HashSet<string> { "experts/1" },
        });

        Assert.Equal([new TrainSlice("small", "experts/0", 599, "local", Fresh.Submission)], plan.Commands);
        Assert.Equal([RoleStatus.Training, RoleStatus.Training, RoleStatus.Complete], plan.Document.Roles.Select(role => role.Status));
    }

    [Fact]
    public void ACompleteRoleStaysComplete()
    {
        var run = At(RunStage.Train);
        run = run with { Roles = [.. run.Roles.Select(role => role.Role == "router" ? role with { Status = RoleStatus.Complete } : role)] };
        Assert.DoesNotContain(Planner.Plan(run, Seen(RunStage.Train)).Commands, command => command is TrainSlice { RolePath: "router" });
    }

    [Fact]
    public void AllRolesCompleteLeadToEvaluation()
    {
        var plan = Planner.Plan(At(RunStage.Train), Seen(RunStage.Train) with { CommittedSteps = Committed(600, 600, 500) });
        Assert.Equal([new EvaluateRun("small")], plan.Commands);
    }

    [Fact]
    public void AFailedExpertDoesNotStopTheOthers()
    {
        var failed = Seen(RunStage.Train) with { FailedRoles = new Dictionary<string, string> { ["experts/0"] = "loss is NaN at step 7." } };
        var plan = Planner.Plan(At(RunStage.Train), failed);
        Assert.Equal(RunStatus.Running, plan.Document.Status);
        Assert.Equal([new TrainSlice("small", "experts/1", 0, "local", Fresh.Submission), new TrainSlice("small", "router", 0, "router", Fresh.Submission)], plan.Commands);

        var end = Planner.Plan(plan.Document, failed with { CommittedSteps = Committed(0, 600, 500) });
        Assert.Equal((RunStage.Train, RunStatus.Failed), (end.Document.Stage, end.Document.Status));
        Assert.Equal("experts/0 failed: loss is NaN at step 7. All committed checkpoints are kept.", end.Document.Failure);
        Assert.Empty(end.Commands);
    }

    [Fact]
    public void AFailedRouterFailsTheRun()
    {
        var plan = Planner.Plan(At(RunStage.Train), Seen(RunStage.Train) with
        {
            FailedRoles = new Dictionary<string, string> { ["router"] = "no good checkpoint.", ["experts/1"] = "x" },
        });
        Assert.Equal(RunStatus.Failed, plan.Document.Status);
        Assert.StartsWith("router failed (1 more failed): no good checkpoint.", plan.Document.Failure, StringComparison.Ordinal);
        Assert.Empty(plan.Commands);
    }

    /// <summary>Without a router no expert can be used: its failure is the one to mend first.</summary>
    [Fact]
    public void TheRoutersFailureIsToldBeforeAnExperts()
    {
        var plan = Planner.Plan(At(RunStage.Train), Seen(RunStage.Train) with
        {
            CommittedSteps = new Dictionary<string, long> { ["experts/1"] = 600 },
            FailedRoles = new Dictionary<string, string> { ["experts/0"] = "x", ["router"] = "y." },
        });
        Assert.StartsWith("router failed (1 more failed): y.", plan.Document.Failure, StringComparison.Ordinal);
    }

    /// <summary>A document has room for a thousand failed roles: sixteen are told in full, and of a long reason the first 400 characters.</summary>
    [Fact]
    public void ManyAndLongFailuresAreCut()
    {
        var many = Planner.Plan(Specs.Document(Specs.WithExperts(18)), Seen(RunStage.Ingest)).Document with { Stage = RunStage.Train };
        var reasons = Enumerable.Range(0, 18).ToDictionary(k => Ddm.Runs.Role.Expert(k).Path, k => new string('x', 399 + k));

        var roles = Planner.Plan(many, Seen(RunStage.Train) with { FailedRoles = reasons }).Document.Roles;

        string[] told = [new('x', 399), new('x', 400), .. Enumerable.Repeat(new string('x', 400) + "...", 14)];
        Assert.Equal([.. told, "See the run's events.", "See the run's events.", null], roles.Select(role => role.Failure));
    }

    [Fact]
    public void ARoleThatReachedItsTargetDidNotFail() => Assert.Equal(RunStage.Evaluate, Planner.Plan(At(RunStage.Train), Seen(RunStage.Train) with
    {
        CommittedSteps = Committed(600, 600, 500),
        FailedRoles = new Dictionary<string, string> { ["experts/1"] = "killed after its last commit" },
    }).Document.Stage);

    [Theory]
    [InlineData(RunStatus.Paused)]
    [InlineData(RunStatus.Cancelled)]
    [InlineData(RunStatus.Failed)]
    [InlineData(RunStatus.Succeeded)]
    public void ARunThatDoesNotGoOnIsLeftAlone(RunStatus status)
    {
        var run = At(RunStage.Train) with { Status = status };
        var plan = Planner.Plan(run, Seen(RunStage.Train) with { CommittedSteps = Committed(600, 600, 500) });
        Assert.Same(run, plan.Document);
        Assert.Empty(plan.Commands);
    }

    [Fact]
    public void NothingNewIsTheSameInstance()
    {
        var run = At(RunStage.Train);
        Assert.Same(run, Planner.Plan(run, Seen(RunStage.Train)).Document);
    }

    [Fact]
    public void ARunWithoutImagesFails() =>
        Assert.Contains("has no images: 'images' under '/data'", Planner.Plan(Fresh with { ShardCount = 0 }, Seen(RunStage.Ingest)).Document.Failure, StringComparison.Ordinal);

    [Fact]
    public void ANewerSchemaAsksForAnUpgrade() => Assert.Contains(
        "Upgrade", Assert.Throws<UserErrorException>(() => Planner.Plan(Fresh with { Schema = 2 }, Seen(RunStage.Ingest))).Message, StringComparison.Ordinal);

    private static RunDocument At(RunStage stage) => Planner.Plan(Fresh, Seen(RunStage.Ingest)).Document with { Stage = stage };

    private static RunObservation Seen(RunStage stage) => new() { Stage = stage };

    private static RoleDecision Role(string path, int steps) => new(path, steps, RoleStatus.Training);

    private static Dictionary<string, long> Committed(long first, long second, long router) =>
        new() { ["experts/0"] = first, ["experts/1"] = second, ["router"] = router };
}
