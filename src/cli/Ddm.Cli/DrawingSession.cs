using Ddm.Services;
using Ddm.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Cli;

/// <summary>What commands need that draw without running anything: a loader and the thread its tensors live on.</summary>
internal sealed class DrawingSession : IAsyncDisposable
{
    public DrawingSession(IBlobStore blobs)
    {
        Checkpoints = new CheckpointStore(blobs, TimeProvider.System, NullLogger<CheckpointStore>.Instance);
        Runs = new RunRepository(blobs);
        Catalog = new ModelCatalog(blobs, Checkpoints, Runs, TimeProvider.System);
        Loader = new ModelLoader(blobs, Catalog, Device);
    }

    public DeviceThread Device { get; } = new();

    public CheckpointStore Checkpoints { get; }

    public RunRepository Runs { get; }

    public ModelCatalog Catalog { get; }

    public ModelLoader Loader { get; }

    public ValueTask DisposeAsync()
    {
        Device.Dispose();
        return ValueTask.CompletedTask;
    }
}
