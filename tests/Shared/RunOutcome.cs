using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace Ddm.Tests;

/// <summary>Runs to compare with, and what came of them.</summary>
internal static class RunOutcome
{
    private static readonly TimeSpan LongestRun = TimeSpan.FromMinutes(4);

    /// <summary>The same run in this process alone.</summary>
    /// <param name="spec">The spec.</param>
    /// <param name="specFile">Where its paths start.</param>
    /// <param name="home">Folder of the blobs.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<string[]> OfOneProcessAsync(string spec, string specFile, string home, CancellationToken cancellationToken)
    {
        using var stop = new StopSignal();
        var blobs = new FileBlobStore(home);
        await using var host = await EmbeddedHost.StartAsync(blobs, new SilentProgress(), stop, cancellationToken);
        var document = await host.RunAsync(spec, specFile, cancellationToken);
        Assert.True(document.Status == RunStatus.Succeeded, document.Failure);
        return await WeightsAsync(blobs, document.Name);
    }

    /// <summary>Submits the run to a store that services share.</summary>
    public static async Task SubmitAsync(IBlobStore blobs, TinyFolder files)
    {
        using var stop = new StopSignal();
        await using var host = await EmbeddedHost.StartAsync(blobs, new SilentProgress(), stop, TestContext.Current.CancellationToken);
        await host.Services.GetRequiredService<RunSubmission>().SubmitAsync(files.SpecText, files.SpecFile, TestContext.Current.CancellationToken);
    }

    /// <summary>Waits until the run is over.</summary>
    public static Task<RunDocument> EndAsync(IBlobStore blobs, Func<string> detail) => EndAsync(blobs, TinyFolder.RunName, LongestRun, detail);

    /// <summary>As the other overload, of any run.</summary>
    public static async Task<RunDocument> EndAsync(IBlobStore blobs, string run, TimeSpan limit, Func<string> detail)
    {
        var runs = new RunRepository(blobs);
        RunDocument? document = null;
        await Waiting.ForAsync(
            "the run ends",
            limit,
            async token => (document = (await runs.FindAsync(run, token))?.Value)?.Status is RunStatus.Succeeded or RunStatus.Failed or RunStatus.Cancelled,
            () => $"It stands at {document?.Stage}.{Environment.NewLine}{detail()}");
        return document!;
    }

    /// <summary>Role, step and hashes of weights and averages, a line a role.</summary>
    public static async Task<string[]> WeightsAsync(IBlobStore blobs, string run = TinyFolder.RunName)
        => [.. (await RunInspector.For(blobs).InspectAsync(run, TestContext.Current.CancellationToken)).Roles.Select(r => $"{r.Role} {r.Step} {r.Sha256} {r.EmaSha256}")];

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
