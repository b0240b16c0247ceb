using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services.Tests;

/// <summary>Stops a run at a stage, damages a blob of it, and tells what it came to.</summary>
internal static class RunDamage
{
    public static async Task StopAtAsync(TinyRun tiny, RunStage stage)
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

    public static void Damage(string file, string damage)
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

    public static bool Is(string blob, string kind)
    {
        var at = kind.IndexOf('*', StringComparison.Ordinal);
        return at < 0 ? blob.EndsWith(kind, StringComparison.Ordinal)
            : blob.StartsWith(kind[..at], StringComparison.Ordinal) && blob.EndsWith(kind[(at + 1)..], StringComparison.Ordinal) && !blob.Contains("/shards/", StringComparison.Ordinal);
    }

    // Of the checkpoints, and of what was published from them. Once a run is done its model is what counts: a checkpoint that nothing needs any more stays damaged.
    public static async Task<string[]> WeightsAsync(TinyRun run, RunStage stage)
    {
        var trained = stage == RunStage.Done ? [] : (await run.InspectAsync()).Roles.Select(r => $"{r.Role} {r.Step} {r.Sha256} {r.EmaSha256}");
        var published = await run.Blobs.ReadJsonAsync<ModelManifest>(BlobNames.ModelManifest(TinyRun.Name, "v1"), TestContext.Current.CancellationToken);
        return [.. trained, .. published!.Value.Value.Experts.Append(published.Value.Value.Router).Select(r => $"published {r.Role} {r.Step} {r.Sha256}")];
    }
}
