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
        var (log, refusals) = await EnumerateAsync(Enum.Parse<RunStage>(stage), blob => kinds.Any(kind => Is(blob, kind)), stage == "Train" ? ["empty", "flip"] : ["flip"]);
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
    public async Task ADamagedProductIsMadeAnewOnceItIsDeleted()
    {
        using var undisturbed = new TinyRun();
        await undisturbed.RunAsync();
        using var tiny = new TinyRun();
        await StopAtAsync(tiny, RunStage.FreezeClusters);
        var blob = FolderCopy.Blobs(tiny.Home).First(name => Is(name, "assignments/00000.safetensors"));
        Damage(Path.Combine(tiny.Home, blob), "flip");

        var refused = await tiny.RunAsync();
        Assert.Equal((RunStatus.Failed, true), (refused.Status, refused.Refused));
        Assert.StartsWith(blob, refused.Failure, StringComparison.Ordinal);
        Assert.EndsWith("Delete that blob from the home folder and run the same command again: it is made anew from what it came from.", refused.Failure, StringComparison.Ordinal);
        File.Delete(Path.Combine(tiny.Home, blob));
        var document = await tiny.RunAsync();

        Assert.True(document.Status == RunStatus.Succeeded, document.Failure);
        Assert.Equal(await WeightsAsync(undisturbed, RunStage.FreezeClusters), await WeightsAsync(tiny, RunStage.FreezeClusters));
        var events = await RunEvents.ReadAsync(tiny.Blobs, TinyRun.Name, TestContext.Current.CancellationToken);
        Assert.Contains(events, e => e.Kind == RunEvent.Repaired && e.Text == $"{blob} is missing or empty: it is made anew at stage AssignShards");
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
                Damage(Path.Combine(tiny.Home, FolderCopy.Blobs(tiny.Home).Single(name => Is(name, "runs/tiny/experts/0/checkpoints/0000000012*/ema.safetensors"))), "flip");
            }
        });

        var document = await tiny.RunAsync(progress, cancellationToken: new CancellationTokenSource(TimeSpan.FromSeconds(50)).Token);

        Assert.True(document.Status == RunStatus.Succeeded, document.Failure);
        Assert.Equal(await WeightsAsync(undisturbed, RunStage.Train), await WeightsAsync(tiny, RunStage.Train));
        var events = await RunEvents.ReadAsync(tiny.Blobs, TinyRun.Name, TestContext.Current.CancellationToken);
        Assert.Equal(1, done);
        Assert.Equal([$"{Role.Expert(0)}: "], events.Where(e => e.Kind == RunEvent.Repaired).Select(e => e.Text[..(e.Text.IndexOf(':', StringComparison.Ordinal) + 2)]));
    }

    private static async Task<(List<string> Log, int Refusals)> EnumerateAsync(RunStage stage, Func<string, bool> wanted, string[] damages)
    {
        using var undisturbed = new TinyRun();
        await undisturbed.RunAsync();
        var expected = await WeightsAsync(undisturbed, stage);
        using var tiny = new TinyRun();
        await StopAtAsync(tiny, stage);
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
                    Damage(Path.Combine(tiny.Home, blob), damage);
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
                var weights = await WeightsAsync(tiny, stage);
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

    private static async Task StopAtAsync(TinyRun tiny, RunStage stage)
    {
        using var stop = new StopSignal();
        var commits = new Dictionary<Role, SortedSet<long>>();
        var progress = new RecordingProgress(
            stage == RunStage.Train ? Trained : null,
            reached => { if (stage != RunStage.Train && stage != RunStage.Done && reached == stage) { stop.Raise(); } });
        await tiny.RunAsync(progress, stop);

        // Two commits of an expert: an earlier one to fall back to.
        void Trained(TrainingProgress report)
        {
            lock (commits)
            {
                var seen = commits.TryGetValue(report.Role, out var known) ? known : commits[report.Role] = [];
                seen.Add(report.CommittedStep);
                if (report.Role == Role.Expert(0) && seen.Count(step => step > 0) >= 2)
                {
                    stop.Raise();
                }
            }
        }
    }

    private static void Damage(string file, string damage)
    {
        var bytes = File.ReadAllBytes(file);
        switch (damage)
        {
            case "empty": File.WriteAllBytes(file, []); break;
            case "half": File.WriteAllBytes(file, bytes[..(bytes.Length / 2)]); break;
            case "delete": File.Delete(file); break;
            default:
                bytes[bytes.Length * 3 / 5] ^= 0x10;
                File.WriteAllBytes(file, bytes);
                break;
        }
    }

    private static bool Is(string blob, string kind)
    {
        var at = kind.IndexOf('*', StringComparison.Ordinal);
        return at < 0 ? blob.EndsWith(kind, StringComparison.Ordinal)
            : blob.StartsWith(kind[..at], StringComparison.Ordinal) && blob.EndsWith(kind[(at + 1)..], StringComparison.Ordinal) && !blob.Contains("/shards/", StringComparison.Ordinal);
    }

    // Of the checkpoints, and of what was published from them. Once a run is done its model is what counts: a checkpoint that nothing needs any more stays damaged.
    private static async Task<string[]> WeightsAsync(TinyRun run, RunStage stage)
    {
        var trained = stage == RunStage.Done ? [] : (await run.InspectAsync()).Roles.Select(r => $"{r.Role} {r.Step} {r.Sha256} {r.EmaSha256}");
        var published = await run.Blobs.ReadJsonAsync<ModelManifest>(BlobNames.ModelManifest(TinyRun.Name, "v1"), TestContext.Current.CancellationToken);
        return [.. trained, .. published!.Value.Value.Experts.Append(published.Value.Value.Router).Select(r => $"published {r.Role} {r.Step} {r.Sha256}")];
    }
}
