using Ddm.Runs;
using Ddm.Tests;

namespace Ddm.Services.Tests;

public class EmbeddedRunTests
{
    [Fact]
    public async Task ARunGoesThroughEveryStageAndPublishesAModel()
    {
        using var tiny = new TinyRun();
        var progress = new RecordingProgress();

        var document = await tiny.RunAsync(progress);

        Assert.Equal((RunStatus.Succeeded, RunStage.Done, null), (document.Status, document.Stage, document.Failure));
        var stages = progress.Stages.Distinct().ToArray();
        Assert.Equal(stages.Order(), stages);
        var facts = await tiny.InspectAsync();
        Assert.Equal(["experts/0", "experts/1", "router"], facts.Roles.Select(r => r.Role));
        Assert.All(facts.Roles, r => Assert.Equal(r.Target, r.Step));
        Assert.All(facts.Roles, r => Assert.Equal(64, r.Sha256?.Length));
        Assert.All(facts.Roles, r => Assert.Null(r.Worker));
        Assert.True(await tiny.Blobs.ExistsAsync(BlobNames.ModelManifest(TinyRun.Name, document.ModelVersion!), TestContext.Current.CancellationToken));
        Assert.True(await tiny.Blobs.ExistsAsync(BlobNames.ModelCurrent(TinyRun.Name), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task TwoRunsOfOneSpecHaveTheSameWeightsHoweverTheirSlicesFall()
    {
        using var one = new TinyRun();
        using var other = new TinyRun(TinyFolder.DefaultSpec.Replace("slice_seconds: 0.01", "slice_seconds: 30", StringComparison.Ordinal));
        await one.RunAsync();
        await other.RunAsync();

        Assert.Equal(await WeightsAsync(one), await WeightsAsync(other));
    }

    [Fact]
    public async Task AStoppedRunGoesOnAndEndsWithTheWeightsOfAnUndisturbedOne()
    {
        using var undisturbed = new TinyRun();
        await undisturbed.RunAsync();

        using var tiny = new TinyRun();
        for (var stops = 0; stops < 4; stops++)
        {
            // Stop at the first training report of this attempt that is past what was there before.
            var before = stops;
            using var stop = new StopSignal();
            var seen = 0;
            await tiny.RunAsync(new RecordingProgress(p => RaiseAfter(before + 1)), stop);

            void RaiseAfter(int reports)
            {
                if (Interlocked.Increment(ref seen) >= reports)
                {
                    stop.Raise();
                }
            }
        }

        var document = await tiny.RunAsync();

        Assert.Equal(RunStatus.Succeeded, document.Status);
        Assert.Equal(await WeightsAsync(undisturbed), await WeightsAsync(tiny));
    }

    [Fact]
    public async Task ACorruptNewestCheckpointIsSkippedAndSaidAndTheWeightsComeOutTheSame()
    {
        using var undisturbed = new TinyRun();
        await undisturbed.RunAsync();

        using var tiny = new TinyRun();
        using var stop = new StopSignal();
        var first = 0L; // of two commits: the first is what is fallen back to
        await tiny.RunAsync(new RecordingProgress(p => RaiseOnceTrained(p, stop)), stop);
        var newest = await tiny.NewestCheckpointAsync(Role.Expert(0));
        Flip(Path.Combine(tiny.Home, newest, "weights.safetensors"));
        var progress = new RecordingProgress();

        var document = await tiny.RunAsync(progress);

        Assert.True(document.Status == RunStatus.Succeeded, document.Failure);
        Assert.Contains(progress.Notices, notice => notice.Contains(newest, StringComparison.Ordinal) && notice.Contains("sha256", StringComparison.Ordinal));
        Assert.Equal(await WeightsAsync(undisturbed), await WeightsAsync(tiny));

        void RaiseOnceTrained(TrainingProgress progress, StopSignal stop)
        {
            if (progress.Role != Role.Expert(0))
            {
                return;
            }

            first = first == 0 ? progress.CommittedStep : first;
            if (progress.CommittedStep > first)
            {
                stop.Raise();
            }
        }
    }

    [Fact]
    public async Task ALastCheckpointThatWasDamagedBeforeAnybodySawItIsTrainedAgain()
    {
        using var tiny = new TinyRun();
        await tiny.RunAsync();
        var weights = await WeightsAsync(tiny);
        var newest = await tiny.NewestCheckpointAsync(Role.Expert(0));
        Flip(Path.Combine(tiny.Home, newest, "weights.safetensors"));
        foreach (var blob in new[] { BlobNames.EvaluationManifest(TinyRun.Name), BlobNames.ModelCurrent(TinyRun.Name) })
        {
            await tiny.Blobs.DeleteAsync(blob, TestContext.Current.CancellationToken);
        }

        await new RunRepository(tiny.Blobs).UpdateAsync(TinyRun.Name, run => run with
        {
            Stage = RunStage.Train,
            Status = RunStatus.Running,
            Roles = [.. run.Roles.Select(role => role.Role == "experts/0" ? role with { Status = RoleStatus.Training } : role)],
        }, TestContext.Current.CancellationToken);

        var document = await tiny.RunAsync();

        Assert.True(document.Status == RunStatus.Succeeded, document.Failure);
        Assert.Equal(weights, await WeightsAsync(tiny));
    }

    [Fact]
    public async Task ARoleWithNoGoodCheckpointWaitsForAPersonAndTheOthersGoOn()
    {
        using var tiny = new TinyRun();
        using var stop = new StopSignal();
        await tiny.RunAsync(new RecordingProgress(p => RaiseOnceTrained(p, stop)), stop);
        foreach (var file in Directory.GetFiles(Path.Combine(tiny.Home, "runs", "tiny", "experts", "0", "checkpoints"), "ema.safetensors", SearchOption.AllDirectories))
        {
            Flip(file);
        }

        var document = await tiny.RunAsync();

        Assert.Equal(RunStatus.Failed, document.Status);
        Assert.Contains("experts/0", document.Failure, StringComparison.Ordinal);
        var roles = (await tiny.InspectAsync()).Roles.ToDictionary(r => r.Role);
        Assert.InRange(roles["experts/0"].Step, 1, 11);
        Assert.Equal(12, roles["experts/1"].Step);
        Assert.Equal(8, roles["router"].Step);

        static void RaiseOnceTrained(TrainingProgress progress, StopSignal stop)
        {
            if (progress.Role == Role.Expert(0) && progress.CommittedStep >= 2)
            {
                stop.Raise();
            }
        }
    }

    [Fact]
    public async Task AChangedSpecIsRefusedWithTheDifferenceAndTheRunIsLeftAlone()
    {
        using var tiny = new TinyRun();
        await tiny.RunAsync();
        var before = await tiny.InspectAsync();
        var changed = tiny.SpecText.Replace("steps: 12", "steps: 13", StringComparison.Ordinal);

        using var stop = new StopSignal();
        await using var host = await EmbeddedHost.StartAsync(tiny.Blobs, new RecordingProgress(), stop, TestContext.Current.CancellationToken);
        var error = await Assert.ThrowsAsync<UserErrorException>(() => host.RunAsync(changed, tiny.SpecFile, TestContext.Current.CancellationToken));

        Assert.Contains("experts.steps: 12 -> 13", error.Message, StringComparison.Ordinal);
        Assert.Equal(before.Roles, (await tiny.InspectAsync()).Roles);
    }

    [Fact]
    public async Task MissingDataFailsBeforeARunExists()
    {
        using var tiny = new TinyRun(TinyFolder.DefaultSpec.Replace("source: pictures", "source: nowhere", StringComparison.Ordinal));

        var error = await Assert.ThrowsAsync<UserErrorException>(() => tiny.RunAsync());

        Assert.Contains("nowhere", error.Message, StringComparison.Ordinal);
        Assert.Empty(await new RunRepository(tiny.Blobs).NamesAsync(TestContext.Current.CancellationToken));
    }

    private static void Flip(string file)
    {
        var bytes = File.ReadAllBytes(file);
        bytes[^5] ^= 1;
        File.WriteAllBytes(file, bytes);
    }

    private static async Task<string[]> WeightsAsync(TinyRun run)
        => [.. (await run.InspectAsync()).Roles.Select(r => $"{r.Role} {r.Step} {r.Sha256} {r.EmaSha256}")];
}
