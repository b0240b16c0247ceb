using Ddm.Data;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Turns one range of the source's images into an immutable shard.</summary>
public sealed class IngestShardHandler(IBlobStore blobs, RunRepository runs, OpenSources sources, ICommandSender sender) : ICommandHandler<IngestShard>
{
    /// <inheritdoc/>
    public async Task HandleAsync(IngestShard command, CancellationToken cancellationToken)
    {
        var document = await runs.GetAsync(command.Run, cancellationToken);
        var source = sources.Get(document);
        await new DatasetIngest(blobs).IngestShardAsync(document.Spec.Data, source, document.DatasetId!, command.Shard, cancellationToken);
        await sender.AdvancedAsync(command.Run, cancellationToken);
    }
}
