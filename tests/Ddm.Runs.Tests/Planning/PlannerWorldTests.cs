using CsCheck;

namespace Ddm.Runs.Tests;

public class PlannerWorldTests
{
    [Fact]
    public void ARunEndsInSuccessOrFailureWhateverHappensOnTheWay()
    {
        var worlds = Gen.Select(Gen.Int[1, 5], Gen.Int[1, 4], Gen.Int[1, 1200], Gen.Int[0, 300], Gen.UInt);
        worlds.Sample(
            (experts, shards, steps, faultySteps, seed) =>
            {
                var world = new SimulatedWorld(Specs.Document(Specs.WithExperts(experts, steps, steps), shards), Choices(seed));
                for (var i = 0; i < faultySteps && !world.Ended; i++)
                {
                    world.Step(faults: true);
                }

                for (var i = 0; i < 20_000 && !world.Ended; i++)
                {
                    world.Step(faults: false);
                }

                Assert.True(world.Ended, $"stuck in {world.Run.Stage} with {world.Run.Status}");
                if (world.Run.Status == RunStatus.Succeeded)
                {
                    Assert.Equal(RunStage.Done, world.Run.Stage);
                    Assert.All(world.Run.Roles, role => Assert.Equal(RoleStatus.Complete, role.Status));
                }
                else
                {
                    Assert.Contains(world.Failed.Keys, role => world.Run.Failure!.StartsWith(role + " failed", StringComparison.Ordinal));
                }
            },
            iter: 400);
    }

    [Fact]
    public void NoCommandLeavesARunThatWasStopped() => Gen.Select(Gen.Enum<RunStage>(), Gen.Enum<RunStage>(), Gen.Bool, Gen.OneOf(
        Gen.Const(RunStatus.Paused), Gen.Const(RunStatus.Cancelled), Gen.Const(RunStatus.Failed), Gen.Const(RunStatus.Succeeded))).Sample((stage, seen, finished, status) =>
    {
        var run = Specs.Document(Specs.WithExperts(2)) with { Stage = stage, Status = status };
        var plan = Planner.Plan(run, new RunObservation { Stage = seen, StageFinished = finished });
        Assert.Empty(plan.Commands);
        Assert.Same(run, plan.Document);
    });

    /// <summary>A repeatable stream of choices: a linear congruential generator, high bits.</summary>
    private static Func<int, int> Choices(uint seed)
    {
        var state = (ulong)seed;
        return options =>
        {
            state = (state * 6364136223846793005) + 1442695040888963407;
            return (int)((state >> 33) % (ulong)options);
        };
    }
}
