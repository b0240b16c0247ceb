using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.EndToEnd.Tests;

/// <summary>Runs to compare with, and what came of them.</summary>
internal static class RunOutcome
{
    private static readonly TimeSpan LongestRun = TimeSpan.FromMinutes(4);

    /// <summary>The same run in this process alone.</summary>
    public static async Task<string[]> OfOneProcessAsync(string spec)
    {
        using var files = new TinyFolder(spec);
        using var stop = new StopSignal();
        var blobs = new FileBlobStore(files.Home);
        await using var host = await EmbeddedHost.StartAsync(blobs, new SilentProgress(), stop, TestContext.Current.CancellationToken);
        var document = await host.RunAsync(files.SpecText, files.SpecFile, TestContext.Current.CancellationToken);
        Assert.True(document.Status == RunStatus.Succeeded, document.Failure);
        return await WeightsAsync(blobs);
    }

    /// <summary>Waits until the run is over.</summary>
    public static async Task<RunDocument> EndAsync(IBlobStore blobs, Func<string> detail)
    {
        var runs = new RunRepository(blobs);
        RunDocument? document = null;
        await Waiting.ForAsync(
            "the run ends",
            LongestRun,
            async token => (document = (await runs.FindAsync(TinyFolder.RunName, token))?.Value)?.Status is RunStatus.Succeeded or RunStatus.Failed or RunStatus.Cancelled,
            () => $"It stands at {document?.Stage}.{Environment.NewLine}{detail()}");
        return document!;
    }

    /// <summary>Role, step and hashes of weights and averages, a line a role.</summary>
    public static async Task<string[]> WeightsAsync(IBlobStore blobs)
        => [.. (await RunInspector.For(blobs).InspectAsync(TinyFolder.RunName, TestContext.Current.CancellationToken)).Roles.Select(r => $"{r.Role} {r.Step} {r.Sha256} {r.EmaSha256}")];

    private sealed class SilentProgress : IRunProgress
    {
        public void Stage(RunStage stage, int done, int total)
        {
        }

        public void Training(TrainingProgress progress)
        {
        }

        public void Notice(string message)
        {
        }

        public void Ended(RunDocument document)
        {
        }
    }
}
