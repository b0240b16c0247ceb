using System.Collections.Concurrent;
using System.Globalization;

namespace Ddm.Simulation.Tests;

/// <summary>
/// Whole runs in simulated worlds, one a seed. <c>DDM_SIMULATION_SEED=N</c> plays that seed alone and prints all that happens in it.
/// </summary>
public sealed class SeedTests
{
    private const int Seeds = 1000;
    private const int ManySeeds = 10_000;

    private static int? OnlySeed => int.TryParse(Environment.GetEnvironmentVariable("DDM_SIMULATION_SEED"), CultureInfo.InvariantCulture, out var seed) ? seed : null;

    [Fact]
    public void NoSeedBreaksAPromise() => PlayAll(0, Seeds);

    [Fact]
    [Trait("Category", "Long")]
    public void NoneOfManySeedsBreaksAPromise() => PlayAll(Seeds, ManySeeds - Seeds);

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

    private static void PlayAll(int first, int count)
    {
        if (OnlySeed is { } only)
        {
            var run = new SimulatedRun(only, traceAll: true);
            var found = Play.Try(run);
            Console.WriteLine($"{run.World.Trace}{run.Shape}\n{run.Faults}\nkinds: {string.Join(", ", run.Faults.Kinds)}\ndigest {run.World.Trace.Digest:x16}, {run.World.Trace.Count} events");
            Assert.Null(found);
            return;
        }

        var violations = new ConcurrentDictionary<int, string>();
        Parallel.For(first, first + count, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, seed =>
        {
            var run = new SimulatedRun(seed, traceAll: false);
            if (Play.Try(run) is { } violation)
            {
                violations[seed] = $"{violation}\n{run.World.Trace}";
            }
        });
        Assert.True(violations.IsEmpty, Play.Describe(violations, count));
    }
}
