using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;

namespace Ddm.Simulation.Tests;

/// <summary>The bug of sending the successor when the checkpoint is written but the head does not name it yet.</summary>
internal sealed class EarlySuccessor(IBlobStore below, ICommandSender sender) : PassingStore(below)
{
    public override async Task<string?> TryWriteAsync(string name, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken)
    {
        var etag = await Below.TryWriteAsync(name, content, condition, cancellationToken);
        if (etag is not null && IsCheckpointManifest(name))
        {
            var manifest = BlobJson.Parse<CheckpointManifest>(name, content.Span);
            await sender.SendAsync(new TrainSlice(manifest.Run, manifest.Role, manifest.Step), cancellationToken);
        }

        return etag;
    }
}
