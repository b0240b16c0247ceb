using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services.Tests;

/// <summary>
/// Every blob of a run, damaged in every way, once the run is half done and once it is done; then the same command again. Either the weights come out as
/// those of an undisturbed run, or the run is refused with the blob's name; never a crash, never other weights.
/// </summary>
public sealed class BlobDamageTests
{
    private static readonly string[] s_damages = ["empty", "half", "flip", "delete"];

    // One of each kind, where the whole enumeration takes minutes.
    private static readonly string[] s_kinds =
    [
        "/shards/00000.tar", "/shards/00000.json", "datasets/*/manifest.json", "encoder.safetensors", "features/00000.safetensors", "centroids.safetensors",
        "partition/manifest.json", "assignments/00000.safetensors", "clusters/0/00000.safetensors", "clusters/0/manifest.json", "experts/0/head.json",
        "experts/0/owner.json", "run.json",
    ];

    [Theory]
    [InlineData("FitFeatures")]
    [InlineData("FitPartition")]
    [InlineData("FreezeClusters")]
    [InlineData("Train")]
    public async Task OneBlobOfEachKindDamagedHalfWay(string stage)
    {
        // A stage's own kinds: what was made just before it, and the documents that are there always.
        var kinds = stage switch
        {
            "FitFeatures" => s_kinds[..2],
            "FitPartition" => s_kinds[2..5],
            "FreezeClusters" => s_kinds[5..8],
            _ => s_kinds[8..],
        };
        var (log, refusals) = await EnumerateAsync(Enum.Parse<RunStage>(stage), blob => kinds.Any(kind => RunDamage.Is(blob, kind)), stage == "Train" ? ["empty", "flip"] : ["flip"]);
        Assert.True(log.Count == 0, string.Join(Environment.NewLine, log));
        Assert.True(refusals > 0 || stage == "Train", "no damage was noticed");
    }

    [Theory]
    [Trait("Category", "Long")]
    [InlineData("FitFeatures")]
    [InlineData("ExtractFeatures")]
    [InlineData("FitPartition")]
    [InlineData("AssignShards")]
    [InlineData("FreezeClusters")]
    [InlineData("Train")]
    [InlineData("Evaluate")]
    [InlineData("Publish")]
    [InlineData("Done")]
    public async Task EveryBlobDamagedInEveryWay(string stage)
    {
        var (log, _) = await EnumerateAsync(Enum.Parse<RunStage>(stage), _ => true, s_damages);
        Assert.True(log.Count == 0, string.Join(Environment.NewLine, log));
    }

    [Fact]
    public async Task ADamagedProductIsRefusedByNameAndMadeAnewByTheSameCommandAgain()
    {
        using var undisturbed = new TinyRun();
        await undisturbed.RunAsync();
        using var tiny = new TinyRun();
        await RunDamage.StopAtAsync(tiny, RunStage.FreezeClusters);
        var blob = FolderCopy.Blobs(tiny.Home).First(name => RunDamage.Is(name, "assignments/00000.safetensors"));
        RunDamage.Damage(Path.Combine(tiny.Home, blob), "flip");

        var refused = await tiny.RunAsync();
        Assert.Equal((RunStatus.Failed, true), (refused.Status, refused.Refused));
        Assert.StartsWith(blob, refused.Failure, StringComparison.Ordinal);
        Assert.EndsWith("'ddm retry', or in a home folder the same command again, makes it anew from what it came from.", refused.Failure, StringComparison.Ordinal);
        var document = await tiny.RunAsync();

        Assert.True(document.Status == RunStatus.Succeeded, document.Failure);
        Assert.Equal(await RunDamage.WeightsAsync(undisturbed, RunStage.FreezeClusters), await RunDamage.WeightsAsync(tiny, RunStage.FreezeClusters));
        var events = await RunEvents.ReadAsync(tiny.Blobs, TinyRun.Name, TestContext.Current.CancellationToken);
        Assert.Contains(events, e => e.Kind == RunEvent.Repaired && e.Text == $"{blob} is damaged: it is made anew at stage AssignShards");
    }

    /// <summary>Nobody opens it before the evaluation does: that sends the run back, and the role takes its last steps again. Nobody waits for the owner that it had.</summary>
    [Fact]
    public async Task AFinishedRolesCheckpointDamagedWhileOthersTrainIsTrainedAgain()
    {
        using var undisturbed = new TinyRun();
        await undisturbed.RunAsync();
        using var tiny = new TinyRun();
        var done = 0;
        var progress = new RecordingProgress(report =>
        {
            if (report is { Active: false, CommittedStep: 12 } && report.Role == Role.Expert(0) && Interlocked.Exchange(ref done, 1) == 0)
            {
                RunDamage.Damage(Path.Combine(tiny.Home, FolderCopy.Blobs(tiny.Home).Single(name => RunDamage.Is(name, "runs/tiny/experts/0/checkpoints/0000000012*/ema.safetensors"))), "flip");
            }
        });

        var document = await tiny.RunAsync(progress, cancellationToken: new CancellationTokenSource(TimeSpan.FromSeconds(50)).Token);

        Assert.True(document.Status == RunStatus.Succeeded, document.Failure);
        Assert.Equal(await RunDamage.WeightsAsync(undisturbed, RunStage.Train), await RunDamage.WeightsAsync(tiny, RunStage.Train));
        var events = await RunEvents.ReadAsync(tiny.Blobs, TinyRun.Name, TestContext.Current.CancellationToken);
        Assert.Equal(1, done);
        Assert.Equal([$"{Role.Expert(0)}: "], events.Where(e => e.Kind == RunEvent.Repaired).Select(e => e.Text[..(e.Text.IndexOf(':', StringComparison.Ordinal) + 2)]));
    }

    private static async Task<(List<string> Log, int Refusals)> EnumerateAsync(RunStage stage, Func<string, bool> wanted, string[] damages)
    {
        using var undisturbed = new TinyRun();
        await undisturbed.RunAsync();
        var expected = await RunDamage.WeightsAsync(undisturbed, stage);
        using var tiny = new TinyRun();
        await RunDamage.StopAtAsync(tiny, stage);
        var copy = tiny.Home + "-copy";
        FolderCopy.Copy(tiny.Home, copy);
        try
        {
            var (log, refusals) = (new List<string>(), 0);
            foreach (var blob in FolderCopy.Blobs(copy).Where(wanted))
            {
                foreach (var damage in damages)
                {
                    FolderCopy.Restore(copy, tiny.Home);
                    RunDamage.Damage(Path.Combine(tiny.Home, blob), damage);
                    var (wrong, refused) = await OutcomeAsync(tiny, stage, blob, expected);
                    refusals += refused ? 1 : 0;
                    if (wrong is not null)
                    {
                        log.Add($"{stage}: {blob} {damage}: {wrong}");
                    }
                }
            }

            return (log, refusals);
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    private static async Task<(string? Wrong, bool Refused)> OutcomeAsync(TinyRun tiny, RunStage stage, string blob, string[] expected)
    {
        try
        {
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            timeout.CancelAfter(TimeSpan.FromMinutes(2));
            var document = await tiny.RunAsync(cancellationToken: timeout.Token);
            if (document.Status == RunStatus.Succeeded)
            {
                var weights = await RunDamage.WeightsAsync(tiny, stage);
                return (weights.SequenceEqual(expected) ? null : "other weights: " + string.Join(", ", weights.Except(expected)), false);
            }

            return Judge(document.Failure ?? "", blob, document.Refused);
        }
        catch (Exception e) when (e is UserErrorException or CheckpointException)
        {
            return Judge(e.Message, blob, true);
        }
        catch (Exception e)
        {
            return ("crashed: " + e, false);
        }
    }

    private static (string? Wrong, bool Refused) Judge(string failure, string blob, bool refused) =>
        (!refused ? "failed, not refused: " + failure : failure.Contains(blob, StringComparison.Ordinal) ? null : "refused without its name: " + failure, true);
}
