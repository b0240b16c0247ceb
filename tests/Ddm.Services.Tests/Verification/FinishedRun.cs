using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.Services.Tests;

/// <summary>One run, done once; every test takes a copy of its home and does to it what it likes.</summary>
public sealed class FinishedRun : IAsyncLifetime
{
    private readonly List<string> copies = [];
    private TinyRun? run;

    /// <summary>A slice is about one step here: chains of a dozen links, of which the newest few keep their tensors.</summary>
    private static string Spec => TinyFolder.DefaultSpec.Replace("slice_seconds: 0.01", "slice_seconds: 0.0001, retention: 3", StringComparison.Ordinal);

    public async ValueTask InitializeAsync()
    {
        run = new TinyRun(Spec);
        var document = await run.RunAsync();
        Assert.True(document.Status == Runs.RunStatus.Succeeded, document.Failure);
    }

    /// <summary>A store with all of the run's blobs.</summary>
    internal FileBlobStore Copy()
    {
        var copy = $"{run!.Home}-{copies.Count}";
        FolderCopy.Copy(run.Home, copy);
        copies.Add(copy);
        return new FileBlobStore(copy);
    }

    public ValueTask DisposeAsync()
    {
        copies.ForEach(copy => Directory.Delete(copy, recursive: true));
        run?.Dispose();
        return ValueTask.CompletedTask;
    }
}
