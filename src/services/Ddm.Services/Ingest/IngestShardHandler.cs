using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Turns one range of the source's images into an immutable shard.</summary>
public sealed class IngestShardHandler(IBlobStore blobs, RunRepository runs, OpenSources sources, ICommandSender sender, IRunProgress progress)
    : ICommandHandler<IngestShard>, IDisposable
{
    private readonly SemaphoreSlim gate = new(1);
    private IngestSession? session;

    /// <inheritdoc/>
    public async Task HandleAsync(IngestShard command, CancellationToken cancellationToken)
    {
        var document = await runs.GetAsync(command.Run, cancellationToken);
        var current = await SessionAsync(document, cancellationToken);
        await current.IngestAsync(command.Shard, cancellationToken);
        if (current.IsComplete)
        {
            session = null; // the source stays with OpenSources until its data set is sealed
        }

        await sender.AdvancedAsync(command.Run, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose() => gate.Dispose();

    private async Task<IngestSession> SessionAsync(RunDocument document, CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken);
        try
        {
            return session = session?.Is(document) is true ? session : await IngestSession.OpenAsync(blobs, document, sources.Get(document), progress, cancellationToken);
        }
        finally
        {
            gate.Release();
        }
    }
}
