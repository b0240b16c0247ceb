namespace Ddm.Runs.Tests;

/// <summary>
/// Blobs, a broker and workers, all unreliable, driven by a list of choices: commands are lost, doubled and reordered, workers die while they
/// own a role, roles give up, observations are old, two planners race for the document.
/// </summary>
internal sealed class SimulatedWorld(RunDocument run, Func<int, int> choose)
{
    private const int StepsOfASlice = 250;

    private readonly HashSet<(RunStage Stage, int Shard)> _shards = [];
    private readonly HashSet<RunStage> _barriers = [];
    private readonly Dictionary<string, long> _steps = [];
    private readonly Dictionary<string, string> _failed = [];
    private readonly HashSet<string> _owned = [];
    private readonly List<IRunCommand> _queue = [];
    private RunObservation _old = new() { Stage = RunStage.Ingest };

    public RunDocument Run { get; private set; } = run;

    /// <summary>Roles that gave up so far.</summary>
    public IReadOnlyDictionary<string, string> Failed => _failed;

    public bool Ended => Run.Status is RunStatus.Succeeded or RunStatus.Failed;

    /// <summary>One thing happens.</summary>
    /// <param name="faults">Whether chance may also do harm.</param>
    public void Step(bool faults)
    {
        switch (choose(faults ? 8 : 4))
        {
            case 0 or 1 when _queue.Count > 0:
                var index = choose(_queue.Count);
                var command = _queue[index];
                _queue.RemoveAt(index);
                Carry(command, faults);
                break;
            case 4 when _queue.Count > 0:
                _queue.RemoveAt(choose(_queue.Count));
                break;
            case 5 when _queue.Count > 0:
                _queue.Add(_queue[choose(_queue.Count)]);
                break;
            case 6:
                PlanAgainst(_old, written: false);
                break;
            case 7:
                PlanAgainst(_old, written: true);
                break;
            default:
                _owned.Clear();
                _old = Look();
                PlanAgainst(_old, written: true);
                break;
        }
    }

    private void PlanAgainst(RunObservation seen, bool written)
    {
        var plan = Planner.Plan(Run, seen);
        var again = Planner.Plan(plan.Document, seen);
        Assert.Same(plan.Document, again.Document);
        Assert.Equal(plan.Commands, again.Commands);
        Assert.True(plan.Document.Stage >= Run.Stage, $"{Run.Stage} went back to {plan.Document.Stage}");
        Assert.All(Run.Roles, before => Assert.True(
            before.Status == RoleStatus.Training || plan.Document.Roles.Single(role => role.Role == before.Role) == before, $"{before.Role} changed its mind"));
        if (written)
        {
            Run = plan.Document;
        }

        _queue.AddRange(plan.Commands);
    }

    private RunObservation Look() => new()
    {
        Stage = Run.Stage,
        FinishedShards = _shards.Where(shard => shard.Stage == Run.Stage).Select(shard => shard.Shard).ToHashSet(),
        StageFinished = _barriers.Contains(Run.Stage),
        CommittedSteps = new Dictionary<string, long>(_steps),
        OwnedRoles = new HashSet<string>(_owned),
        FailedRoles = new Dictionary<string, string>(_failed),
    };

    private void Carry(IRunCommand command, bool faults)
    {
        Assert.Equal(Run.Name, command.Run);
        switch (command)
        {
            case IngestShard shard: Finish(RunStage.Ingest, shard.Shard); break;
            case ExtractFeatures shard: Finish(RunStage.ExtractFeatures, shard.Shard); break;
            case AssignShard shard: Finish(RunStage.AssignShards, shard.Shard); break;
            case FitFeatures: Pass(RunStage.FitFeatures); break;
            case FitPartition: Pass(RunStage.FitPartition); break;
            case FreezeClusters: Pass(RunStage.FreezeClusters); break;
            case EvaluateRun: Pass(RunStage.Evaluate); break;
            case PublishModel: Pass(RunStage.Publish); break;
            case TrainSlice slice: Train(slice.RolePath, faults); break;
            default: Assert.Fail($"Nobody knows {command}."); break;
        }
    }

    /// <summary>A worker needs everything of the stages before, or the planner was too early.</summary>
    private void Pass(RunStage stage)
    {
        Need(stage);
        _barriers.Add(stage);
    }

    private void Finish(RunStage stage, int shard)
    {
        Need(stage);
        Assert.InRange(shard, 0, Run.ShardCount - 1);
        _shards.Add((stage, shard));
    }

    private void Need(RunStage stage)
    {
        for (var before = RunStage.Ingest; before < stage; before++)
        {
            var done = before switch
            {
                RunStage.Ingest or RunStage.ExtractFeatures or RunStage.AssignShards => _shards.Count(shard => shard.Stage == before) == Run.ShardCount,
                RunStage.Train => Run.Roles.All(role => _steps.GetValueOrDefault(role.Role) >= role.TargetSteps),
                _ => _barriers.Contains(before),
            };
            Assert.True(done, $"{stage} was asked for before {before} was over.");
        }
    }

    private void Train(string role, bool faults)
    {
        Need(RunStage.Train);
        if (_failed.ContainsKey(role))
        {
            return;
        }

        switch (faults ? choose(12) : 2)
        {
            case 0:
                _failed[role] = "gave up.";
                break;
            case 1:
                _owned.Add(role);
                break;
            default:
                _steps[role] = Math.Min(_steps.GetValueOrDefault(role) + StepsOfASlice, Run.Roles.Single(r => r.Role == role).TargetSteps);
                break;
        }
    }
}
