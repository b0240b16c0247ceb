using System.Diagnostics;
using Ddm.Runs;

namespace Ddm.Simulation.Tests;

/// <summary>A run of many roles on many workers in which nothing fails, in its steady state: every role has been trained a few times, and none is near its end.</summary>
internal static class ScaleWorld
{
    private const int TurnsBefore = 2, TurnsCounted = 2;

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
        var renewals = run.Calls.Count(call => call is { Who: "worker", Verb: "write", Kind: "owner.json" }) - slices; // a claim writes it too
        var beats = run.Calls.Count(call => call is { Who: "worker", Kind: "workers" });
        var looks = run.Calls.Count(call => call is { Verb: "exists", Kind: "part" }); // some stores look before they write, of themselves
        return new ScaleFigures
        {
            Slices = slices,
            Time = run.World.Now - began,
            SliceCalls = run.Calls.Count(call => call.Who == "worker") - renewals - beats - looks,
            Beats = renewals + beats,
            LookCalls = run.Calls.Count(call => call.Who == "control"),
            Listings = run.Calls.Count(call => call is { Who: "worker", Verb: "list" }),
            LookListings = run.Calls.Count(call => call is { Who: "control", Verb: "list" }),
            ControlPlane = Stopwatch.GetElapsedTime(from, ControlTicks(run)),
            Calls = run.Calls.ToString(),
        };
    }

    private static long ControlTicks(SimulatedRun run) => run.Fleet.ControlPlanes.Sum(control => control.Process.Ticks);
}
