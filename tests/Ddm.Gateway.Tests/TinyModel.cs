using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Ddm.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Gateway.Tests;

/// <summary>A trained and published model of two classes, made once for all tests; each test serves a copy of its home.</summary>
public sealed class TinyModel : IAsyncLifetime
{
    public const string Name = TinyFolder.RunName;

    // Steps enough that experts and classes differ.
    internal static readonly string Spec = TinyFolder.DefaultSpec
        .Replace("steps: 12, batch: 16, learning_rate: 1e-3", "steps: 40, batch: 16, learning_rate: 3e-3", StringComparison.Ordinal)
        .Replace("sampling: { steps: 2 }", "sampling: { steps: 4 }", StringComparison.Ordinal)
        .Replace("slice_seconds: 0.01", "slice_seconds: 5", StringComparison.Ordinal);

    private readonly TinyFolder files = new(Spec);

    public async ValueTask InitializeAsync()
    {
        using var stop = new StopSignal();
        await using var host = await EmbeddedHost.StartAsync(new FileBlobStore(files.Home), new Silent(), stop, CancellationToken.None);
        Assert.Equal(RunStatus.Succeeded, (await host.RunAsync(files.SpecText, files.SpecFile, CancellationToken.None)).Status);
    }

    public ValueTask DisposeAsync()
    {
        files.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>A copy of what is published, in a folder of its own.</summary>
    public string CopyHome()
    {
        var copy = Directory.CreateTempSubdirectory("ddm-gateway-").FullName;
        foreach (var part in new[] { "models", "weights" })
        {
            foreach (var file in Directory.EnumerateFiles(Path.Combine(files.Home, part), "*", SearchOption.AllDirectories))
            {
                var target = Path.Combine(copy, Path.GetRelativePath(files.Home, file));
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                File.Copy(file, target);
            }
        }

        return copy;
    }

    public static ModelCatalog Catalog(IBlobStore blobs)
        => new(blobs, new CheckpointStore(blobs, TimeProvider.System, NullLogger<CheckpointStore>.Instance), new RunRepository(blobs), TimeProvider.System);

    internal sealed class Silent : IRunProgress
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
