using Ddm.Storage;

namespace Ddm.Simulation.Tests;

/// <summary>The bug of taking a lost reply of the head's compare-and-swap for another's win: what is read back looks like another's.</summary>
internal sealed class DeafSwap(IBlobStore below) : PassingStore(below)
{
    private const int Looks = 2; // of the swap, and of whoever says why it failed
    private int doubtful;

    public override async Task<string?> TryWriteAsync(string name, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken)
    {
        try
        {
            var etag = await Below.TryWriteAsync(name, content, condition, cancellationToken);
            doubtful = etag is null && IsHead(name) ? Looks : doubtful;
            return etag;
        }
        catch (IOException) when (IsHead(name))
        {
            doubtful = Looks;
            return null;
        }
    }

    public override async Task<BlobContent?> ReadAsync(string name, CancellationToken cancellationToken)
    {
        var content = await Below.ReadAsync(name, cancellationToken);
        if (doubtful == 0 || !IsHead(name) || content is null)
        {
            return content;
        }

        doubtful--;
        var head = BlobJson.Parse<RoleHead>(name, content.Bytes);
        return content with { Bytes = BlobJson.Serialize(head with { Epoch = head.Epoch + 1 }) };
    }
}
