using Ddm.Runs;
using Ddm.Tests;

namespace Ddm.Chaos.Tests;

/// <summary>
/// One run by real processes over a real broker and a real blob service, which are ended, frozen, cut off, emptied and damaged while it trains: it completes, its
/// weights are those of one process, no commit is lost, and each fault costs no more work than it may.
/// </summary>
public sealed class ChaosTests(ITestOutputHelper output)
{
    /// <summary>
    /// More experts than trainers in either pool, so that somebody always waits and each turn ends in a commit.
    /// </summary>
    private static string Spec(int experts, int router) => $$"""
        name: tiny
        seed: 7
        data: { source: pictures, image_size: 8, channels: 1, shard_rows: 100, held_out: 0.1 }
        partition: { experts: 6, fine: 12 }
        model: { hidden: 32, depth: 1, heads: 2, patch: 4 }
        experts: { steps: {{experts}}, batch: 16, learning_rate: 1e-3, pools: [local, spare] }
        router: { network: { hidden: 32, depth: 1, heads: 2, patch: 4 }, steps: {{router}}, batch: 16, learning_rate: 1e-3 }
        sampling: { steps: 2 }
        execution: { threads: 1, slice_seconds: 0.5, commit_seconds: 0.5 }
        """;

    [Fact]
    public Task EightFaultsOneOfEachKind() => SurviveAsync(faults: 8, controlPlanes: 1, Spec(experts: 800, router: 1500));

    [Fact]
    [Trait("Category", "Long")]
    public Task SixtyFourFaults() => SurviveAsync(faults: 64, controlPlanes: 2, Spec(experts: 6000, router: 12000));

    private async Task SurviveAsync(int faults, int controlPlanes, string spec)
    {
        var log = new ChaosLog(output);
        log.Add($"seed {FaultScript.Seed}; the same faults again: {FaultScript.SeedVariable}={FaultScript.Seed}");
        await using var run = await ChaosRun.StartAsync(spec, controlPlanes, log);
        await using var undisturbed = new UndisturbedRun(spec); // beside the faults, which are waited for more than worked on
        var script = new FaultInjector(run, new Random(FaultScript.Seed), log);
        var done = await script.InjectAsync(faults);
        log.Add("no more faults");
        await run.Services.ReadyAsync();
        log.Add("every service is ready");
        await run.Services.HurryAsync();
        var document = await RunOutcome.EndAsync(run.Blobs, run.Describe);
        log.Add($"the run ended: {document.Status} {document.Failure}");

        Assert.True(document.Status == RunStatus.Succeeded, $"{document.Failure}{Environment.NewLine}{run.Describe()}");
        Assert.Equal(await undisturbed.Weights, await RunOutcome.WeightsAsync(run.Blobs));
        Assert.Empty(run.Services.Surprises);
        Assert.All(await run.Services.StopAsync(), code => Assert.Equal(0, code));
        await new ChaosVerdict(run, done, log).HoldsAsync();
    }
}
