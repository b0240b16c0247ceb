using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Ddm.Simulation.Tests;

/// <summary>
/// Whole runs in simulated worlds, one a seed. <c>DDM_SIMULATION_SEED=N</c> plays that seed alone and prints all that happens in it.
/// </summary>
public sealed class SeedTests
{
    private const int Seeds = 1000;
    private const int ManySeeds = 10_000;
    private const int SeedsOfAKind = 20;

    private static int? OnlySeed => int.TryParse(Environment.GetEnvironmentVariable("DDM_SIMULATION_SEED"), CultureInfo.InvariantCulture, out var seed) ? seed : null;

    public static TheoryData<FaultKind> Kinds => [.. Enum.GetValues<FaultKind>()];

    [Fact]
    public void NoSeedBreaksAPromise()
    {
        var sum = PlayAll(0, Seeds, (seed, traceAll) => new SimulatedRun(seed, traceAll));

        // worlds in which nobody gets in anybody's way would show nothing
        Assert.True(OnlySeed is not null || sum is { TakeOvers: > Seeds / 5, Fenced: > 3, FellBack: > Seeds / 50, SentBack: > Seeds / 100, Redelivered: > Seeds, StoreFaults: > Seeds }, sum.ToString());
    }

    [Fact]
    [Trait("Category", "Long")]
    public void NoneOfManySeedsBreaksAPromise() => PlayAll(Seeds, ManySeeds - Seeds, (seed, traceAll) => new SimulatedRun(seed, traceAll));

    /// <summary>One kind of fault alone, often, with commits that take long: what a mixture seldom hits.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void NoKindOfFaultByItselfBreaksAPromise(FaultKind kind) => PlayAll(
        0, SeedsOfAKind,
        (seed, traceAll) => new SimulatedRun(seed, traceAll, faults: new FaultPlan
        {
            Kinds = [kind], Every = TimeSpan.FromSeconds(20), Until = TimeSpan.FromMinutes(20), StoreSlowness = 30, BusDoublesOneIn = 3, BusDelaysOneIn = 5,
        }));

    [Fact]
    public void APreemptionWastesAStepAtMost()
    {
        var sum = PlayAll(
            0, SeedsOfAKind,
            (seed, traceAll) => new SimulatedRun(seed, traceAll, faults: new FaultPlan { Kinds = [FaultKind.WorkerIsPreempted], Every = TimeSpan.FromSeconds(15), Until = TimeSpan.FromMinutes(20) }));
        Assert.True(sum.Wasted <= sum.Faults, sum.ToString());
    }

    [Fact]
    public void NothingIsWastedWhereNothingFails()
    {
        var sum = PlayAll(0, SeedsOfAKind, (seed, traceAll) => new SimulatedRun(seed, traceAll, faults: FaultPlan.None));
        Assert.True(sum is { TakeOvers: 0, Fenced: 0, FellBack: 0, Redelivered: 0 }, sum.ToString());
    }

    [Fact]
    public void OneSeedIsOneWorld()
    {
        for (var seed = 0; seed < 5; seed++)
        {
            var (first, second) = (new SimulatedRun(seed, traceAll: false), new SimulatedRun(seed, traceAll: false));
            Play.Try(first);
            Play.Try(second);
            Assert.Equal((first.World.Trace.Count, first.World.Trace.Digest), (second.World.Trace.Count, second.World.Trace.Digest));
        }
    }

    private static Tally PlayAll(int first, int count, Func<int, bool, SimulatedRun> begin, [CallerMemberName] string test = "")
    {
        if (OnlySeed is { } only)
        {
            return Replay(begin(only, true));
        }

        var violations = new ConcurrentDictionary<int, string>();
        var sum = new Tally();
        Parallel.For(first, first + count, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, seed =>
        {
            var run = begin(seed, false);
            if (Play.Try(run) is { } violation)
            {
                violations[seed] = $"{violation}\n{run.World.Trace}";
            }

            lock (sum)
            {
                sum.Add(run.Tally);
            }
        });
        TestContext.Current.TestOutputHelper?.WriteLine($"{count} seeds: {sum}");
        Assert.True(violations.IsEmpty, Play.Describe(violations, count, test));
        return sum;
    }

    private static Tally Replay(SimulatedRun run)
    {
        var found = Play.Try(run);
        Console.WriteLine(
            $"{run.World.Trace}\n{run.Shape}\n{run.Faults}\nfaults that happen: {string.Join(", ", run.Faults.Kinds)}\n{run.Tally}\n"
            + $"{run.World.Trace.Count} events, digest {run.World.Trace.Digest:x16}\n{found ?? "no promise was broken"}");
        Assert.Null(found);
        return run.Tally;
    }
}
