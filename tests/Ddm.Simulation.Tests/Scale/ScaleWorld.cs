using System.Diagnostics;
using Ddm.Runs;

namespace Ddm.Simulation.Tests;

/// <summary>A run of many roles on many workers in which nothing fails, in its steady state: every role has been trained a few times, and none is near its end.</summary>
internal static class ScaleWorld
{
    private const int TurnsBefore = 2, TurnsCounted = 4;

    /// <summary>Plays it and counts.</summary>
    /// <param name="roles">Experts, and a router beside them.</param>
    /// <param name="workers">Workers of one pool; one more is the router's.</param>
    /// <exception cref="ViolationException">A promise was broken.</exception>
    public static ScaleFigures Play(int roles, int workers)
    {
        var shape = new Shape(
            roles, workers + 1, ControlPlanes: 2, Shards: 1, Steps: 10_000, SliceSeconds: 60, CommitSeconds: 60, TimeSpan.FromSeconds(10), new RetentionSpec())
        {
            WorkersARouter = workers + 1, Parts = 1,
        };
        var run = new SimulatedRun(seed: 1, traceAll: false, faults: FaultPlan.None, shape: shape);
        var slices = 0L;
        run.Bus.Sent += (by, message) => slices += message is TrainSlice && by.Name.StartsWith("worker", StringComparison.Ordinal) ? 1 : 0;
        run.PlayUntil(() => slices >= TurnsBefore * roles);
        run.Calls.Clear();
        var (began, from) = (run.World.Now, ControlTicks(run));
        slices = 0;
        run.PlayUntil(() => slices >= TurnsCounted * roles);
        return new ScaleFigures
        {
            Slices = slices,
            Time = run.World.Now - began,
            SliceCalls = run.Calls.Count(call => call.Who == "worker" && !IsBeat(call)),
            Beats = run.Calls.Count(call => call.Who == "worker" && IsBeat(call)),
            LookCalls = run.Calls.Count(call => call.Who == "control"),
            Listings = run.Calls.Count(call => call.Verb == "list"),
            ControlPlane = Stopwatch.GetElapsedTime(from, ControlTicks(run)),
            Calls = run.Calls.ToString(),
        };
    }

    // What is written by the clock, however long slices are: that a worker lives.
    private static bool IsBeat((string Who, string Verb, string Kind) call) => call is { Kind: "workers" };

    private static long ControlTicks(SimulatedRun run) => run.Fleet.ControlPlanes.Sum(control => control.Process.Ticks);
}
