using Ddm.Runs;

namespace Ddm.Simulation.Tests;

/// <summary>A simulation that finds nothing is of use only if it finds what is there: each of these bugs is put into every worker, and must be found within a few hundred seeds.</summary>
public sealed class PlantedBugTests
{
    private const int MostSeeds = 300;

    // Duplicates and delays, nothing else: what a thief needs.
    private static FaultPlan Duplicates => new() { BusDoublesOneIn = 2, BusDelaysOneIn = 4, Until = TimeSpan.FromMinutes(5) };

    private static FaultPlan LostReplies => new() { StoreReplyLostOneIn = 20, Until = TimeSpan.FromMinutes(5) };

    // A slow store makes commits long, so that pauses fall into them.
    private static FaultPlan Pauses => new()
    {
        StoreSlowness = 60, Kinds = [FaultKind.WorkerPauses], Every = TimeSpan.FromSeconds(15), BusDoublesOneIn = 3, BusDelaysOneIn = 3, Until = TimeSpan.FromMinutes(30),
    };

    [Fact]
    public void ADuplicateThatStealsALiveOwner() => Find(new Planted { IsKnownDead = _ => true }, Duplicates, "which told");

    [Fact]
    public void ASuccessorSentBeforeTheHeadMoves() =>
        Find(new Planted { Store = (store, sender, _) => new EarlySuccessor(store, sender) }, FaultPlan.None, "when the role stands at step");

    [Fact]
    public void AHeadMovedBeforeItsManifest() => Find(new Planted { Store = (store, _, _) => new HeadBeforeManifest(store) }, FaultPlan.None, "has no manifest of its hash");

    [Fact]
    [Trait("Category", "Long")] // docs/simulation.md, "Open"
    public void ASweepThatIgnoresTheEpoch() => Find(new Planted { Store = (store, _, _) => new EpochBlindSweep(store) }, Pauses, "is missing");

    [Fact]
    public void ALostReplyReadAsFenced() => Find(new Planted { Store = (store, _, _) => new DeafSwap(store) }, LostReplies, "takes its own commit for another's");

    [Fact]
    [Trait("Category", "Long")] // docs/simulation.md, "Open"
    public void APoisonousRoleIsSetAside()
    {
        for (var seed = 0; seed < 10; seed++)
        {
            var run = Poisoned(seed, Planted.Nothing);
            Assert.Null(Play.Try(run));
            Assert.InRange(run.Fleet.Deaths, run.Attempts.Most, run.Attempts.Most + 3);
        }
    }

    [Fact]
    public void AttemptsCountedAfterTheWork() => Assert.NotNull(Play.Try(Poisoned(0, new Planted { Store = (store, _, _) => new AttemptsAfterTheWork(store) })));

    private static SimulatedRun Poisoned(int seed, Planted bug) => new(seed, traceAll: false, bug, FaultPlan.None, new Poison(Role.Expert(0), 7));

    private static void Find(Planted bug, FaultPlan faults, string told)
    {
        for (var seed = 0; seed < MostSeeds; seed++)
        {
            if (Play.Try(new SimulatedRun(seed, traceAll: false, bug, faults)) is { } violation)
            {
                Assert.Contains(told, violation);
                Assert.Null(Play.Try(new SimulatedRun(seed, traceAll: false, faults: faults))); // it is the bug that was found
                return;
            }
        }

        Assert.Fail($"not found in {MostSeeds} seeds");
    }
}
