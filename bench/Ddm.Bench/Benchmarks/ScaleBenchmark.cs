using System.Globalization;
using Ddm.Simulation.Tests;

namespace Ddm.Bench;

/// <summary>What a slice costs the store and the control plane where many roles share many workers: a simulated world with the product's own handlers and reconciler.</summary>
internal sealed class ScaleBenchmark : Benchmark
{
    private const int Workers = 64, Rounds = 5;
    private const double MostCalls = 10, Noise = 1.1;
    private static readonly int[] s_roles = [250, 500, 1000];

    public override string Name => "scale";

    public override string Title => "A thousand roles on 64 workers, simulated";

    public override Task<Section> MeasureAsync(CancellationToken cancellationToken)
    {
        ScaleWorld.Play(s_roles[0], Workers); // compiles the code
        var rounds = new List<ScaleFigures[]>();
        for (var round = 0; round < Rounds; round++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            rounds.Add([.. s_roles.Select(roles => ScaleWorld.Play(roles, Workers))]);
        }

        var computed = s_roles.Select((_, i) => rounds.Min(round => round[i].ControlPlane.TotalSeconds / round[i].Slices)).ToArray();
        var (found, growth) = (rounds[0], computed[^1] / computed[0]);
        var (most, listings) = (found.Max(figures => figures.SliceCalls / (double)figures.Slices), found.Sum(figures => figures.Listings + figures.LookListings));
        return Task.FromResult(new Section(
            $"One run, {Workers} workers of one pool and one of the router's, two control planes, nothing fails; slices of 60 s with a commit each, checkpoints of one part. Every role has had two turns before two "
                + "more are counted, each on a worker that had another role before. Calls of the store are exact. Slices: a claim, a checkpoint read, one written, one deleted. "
                + $"Lives: each worker's record and its role's owner record, every 15 and 20 s. Looks: the control planes' lease, and heads and owners of all roles. Listings are counted by their pages, of 30 blobs at most. Its computing is that of its own code in the simulator, on this machine, the least of {Rounds} rounds, for a busy machine only adds to it; as many slices are made a minute however many roles there are.",
            ["roles", "slices", "calls a slice", "lives a slice", "looks a slice", "listings", "control plane, computing a slice"],
            [.. found.Select((figures, i) => (IReadOnlyList<string>)
            [
                Cells.Count(s_roles[i]), Cells.Count(figures.Slices), Per(figures.SliceCalls, figures), Per(figures.Beats, figures), Per(figures.LookCalls, figures), Cells.Count(figures.Listings + figures.LookListings),
                Cells.Seconds(computed[i]),
            ])],
            [
                new Target($"at most {MostCalls} calls of the store a slice", most.ToString("F1", CultureInfo.InvariantCulture), Math.Round(most, 1) <= MostCalls),
                new Target("no listing", Cells.Count(listings), listings == 0),
                new Target($"linear growth: with {s_roles[^1]} roles at most {s_roles[^1] / s_roles[0]} times the computing of {s_roles[0]}, and a tenth for noise", Cells.Ratio(growth), growth <= Noise * s_roles[^1] / s_roles[0]),
            ]));
    }

    private static string Per(long calls, ScaleFigures figures) => (calls / (double)figures.Slices).ToString("F1", CultureInfo.InvariantCulture);
}
