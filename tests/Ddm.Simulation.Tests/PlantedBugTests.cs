using Ddm.Runs;

namespace Ddm.Simulation.Tests;

/// <summary>A simulation that finds nothing is of use only if it finds what is there: each of these bugs is put into every worker, and must be found within a few hundred seeds.</summary>
public sealed class PlantedBugTests
{
    private const int MostSeeds = 300;

    // Duplicates and delays, nothing else: what a thief needs.
    private static FaultPlan Duplicates => new() { BusDoublesOneIn = 2, BusDelaysOneIn = 4, Until = TimeSpan.FromMinutes(5) };

    private static FaultPlan LostReplies => new() { StoreReplyLostOneIn = 20, Until = TimeSpan.FromMinutes(5) };

    // Commits that take long, and somebody who tidies up meanwhile.
    private static FaultPlan Tidying => new() { StoreSlowness = 20, SweepsEvery = TimeSpan.FromSeconds(5), Until = TimeSpan.FromMinutes(5) };

    [Fact]
    public void ADuplicateThatStealsALiveOwner() => Find(new Planted { IsKnownDead = _ => true }, Duplicates, "which told");

    [Fact]
    public void ASuccessorSentBeforeTheHeadMoves() =>
        Find(new Planted { Store = (store, sender, _) => new EarlySuccessor(store, sender) }, FaultPlan.None, "when the role stands at step");

    [Fact]
    public void AHeadMovedBeforeItsManifest() => Find(new Planted { Store = (store, _, _) => new HeadBeforeManifest(store) }, FaultPlan.None, "has no manifest of its hash");

    [Fact]
    public void ASweepThatIgnoresTheEpoch() => Find(new Planted { Store = (store, _, _) => new EpochBlindSweep(store) }, Tidying, "is missing", "loses a part"); // before the head names it, or after

    [Fact]
    public void ALostReplyReadAsFenced() => Find(new Planted { Store = (store, _, _) => new DeafSwap(store) }, LostReplies, "takes its own commit for another's");

    /// <summary>Where its pool has one machine alone it takes longer: what fails there may be the machine's fault.</summary>
    [Fact]
    public void APoisonousRoleIsSetAside()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var run = Poisoned(seed, Planted.Nothing);
            Assert.Null(Play.Try(run));
            var most = run.Shape.MachinesOf(PoolName.Local) > 1 ? run.Attempts.Most : 3 * run.Attempts.Most;
            Assert.True(run.Fleet.Deaths >= run.Attempts.Most && run.Fleet.Deaths <= most + 3, $"seed {seed}: {run.Fleet.Deaths} deaths in {run.Shape}\n{run.World.Trace}");
        }
    }

    [Fact]
    public void AttemptsCountedAfterTheWork() =>
        Assert.Contains("not by", Play.Try(Poisoned(0, new Planted { Store = (store, _, _) => new AttemptsAfterTheWork(store) })), StringComparison.Ordinal);

    private static SimulatedRun Poisoned(int seed, Planted bug) => new(seed, traceAll: false, bug, FaultPlan.None, new Poison(Role.Expert(0), 1)); // before any commit, which would clear the count

    private static void Find(Planted bug, FaultPlan faults, params string[] told)
    {
        for (var seed = 0; seed < MostSeeds; seed++)
        {
            if (Play.Try(new SimulatedRun(seed, traceAll: false, bug, faults)) is { } violation)
            {
                Assert.True(told.Any(text => violation.Contains(text, StringComparison.Ordinal)), violation);
                Assert.Null(Play.Try(new SimulatedRun(seed, traceAll: false, faults: faults))); // it is the bug that was found
                return;
            }
        }

        Assert.Fail($"not found in {MostSeeds} seeds");
    }
}
