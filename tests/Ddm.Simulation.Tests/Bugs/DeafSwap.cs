using Ddm.Storage;

namespace Ddm.Simulation.Tests;

/// <summary>The bug of taking a lost reply of the head's compare-and-swap for another's win: what is read back does not look like what was written.</summary>
internal sealed class DeafSwap(IBlobStore below) : PassingStore(below)
{
    private bool doubtful;

    public override async Task<string?> TryWriteAsync(string name, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken)
    {
        try
        {
            var etag = await Below.TryWriteAsync(name, content, condition, cancellationToken);
            doubtful = etag is null && IsHead(name);
            return etag;
        }
        catch (IOException) when (IsHead(name))
        {
            doubtful = true;
            return null;
        }
    }

    public override async Task<BlobContent?> ReadAsync(string name, CancellationToken cancellationToken)
    {
        var content = await Below.ReadAsync(name, cancellationToken);
        if (!doubtful || !IsHead(name) || content is null)
        {
            return content;
        }

        doubtful = false;
        return content with { Bytes = [.. content.Bytes, (byte)'\n'] };
    }
}
