using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Services.Tests;

/// <summary>A whole run of the embedded host, small enough for a test.</summary>
internal sealed class TinyRun : IDisposable
{
    public const string Name = TinyFolder.RunName;
    private readonly TinyFolder files;

    public TinyRun(string? spec = null, int rows = TinyFolder.Rows)
    {
        files = new TinyFolder(spec, rows);
        Blobs = new FileBlobStore(files.Home);
    }

    public string SpecFile => files.SpecFile;

    public string SpecText => files.SpecText;

    public string Home => files.Home;

    public string Pictures => files.Pictures;

    public FileBlobStore Blobs { get; }

    public async Task<RunDocument> RunAsync(
        RecordingProgress? progress = null, StopSignal? stop = null, IBlobStore? blobs = null, CancellationToken? cancellationToken = null)
    {
        using var own = new StopSignal();
        var token = cancellationToken ?? TestContext.Current.CancellationToken;
        await using var host = await EmbeddedHost.StartAsync(blobs ?? Blobs, progress ?? new RecordingProgress(), stop ?? own, token);
        return await host.RunAsync(SpecText, SpecFile, token);
    }

    public Task<RunFacts> InspectAsync() => RunInspector.For(Blobs).InspectAsync(Name, TestContext.Current.CancellationToken);

    /// <summary>Folder of a role's newest checkpoint, relative to the home folder.</summary>
    public async Task<string> NewestCheckpointAsync(Role role)
    {
        var checkpoints = new CheckpointStore(Blobs, TimeProvider.System, NullLogger<CheckpointStore>.Instance);
        return (await checkpoints.HistoryAsync(Name, role, TestContext.Current.CancellationToken))[0].Folder;
    }

    public void Dispose() => files.Dispose();
}
