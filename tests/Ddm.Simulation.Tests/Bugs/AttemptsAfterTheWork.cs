using Ddm.Storage;

namespace Ddm.Simulation.Tests;

/// <summary>The bug of counting an attempt when its work has ended: a worker that dies in between counts nothing.</summary>
internal sealed class AttemptsAfterTheWork(IBlobStore below) : PassingStore(below)
{
    private int counted;

    public override async Task<BlobContent?> ReadAsync(string name, CancellationToken cancellationToken)
    {
        var content = await Below.ReadAsync(name, cancellationToken);
        counted = IsHead(name) && content is not null ? BlobJson.Parse<RoleHead>(name, content.Bytes).Attempts : counted;
        return content;
    }

    public override Task<string?> TryWriteAsync(string name, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken)
    {
        if (IsHead(name) && BlobJson.Parse<RoleHead>(name, content.Span) is { Attempts: > 0 } head)
        {
            content = BlobJson.Serialize(head with { Attempts = counted, Tried = counted == 0 ? null : head.Tried, NotBefore = null });
        }

        return Below.TryWriteAsync(name, content, condition, cancellationToken);
    }
}
