using Ddm.Storage;

namespace Ddm.Simulation.Tests;

/// <summary>The bug of moving the head first and writing the manifest that it names after it.</summary>
internal sealed class HeadBeforeManifest(IBlobStore below) : PassingStore(below)
{
    private (string Name, ReadOnlyMemory<byte> Content)? kept;

    public override async Task<string?> TryWriteAsync(string name, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken)
    {
        if (IsCheckpointManifest(name))
        {
            kept = (name, content.ToArray());
            return "later";
        }

        var etag = await Below.TryWriteAsync(name, content, condition, cancellationToken);
        if (IsHead(name) && kept is { } manifest)
        {
            kept = null;
            await Below.TryWriteAsync(manifest.Name, manifest.Content, WriteCondition.IfAbsent, cancellationToken);
        }

        return etag;
    }
}
