using Ddm.Storage;

namespace Ddm.Simulation.Tests;

/// <summary>Passes every call on; a bug overrides what it gets wrong.</summary>
internal abstract class PassingStore(IBlobStore below) : IBlobStore
{
    protected IBlobStore Below => below;

    public virtual Task<BlobContent?> ReadAsync(string name, CancellationToken cancellationToken) => below.ReadAsync(name, cancellationToken);

    public virtual Task<Stream?> OpenReadAsync(string name, CancellationToken cancellationToken) => below.OpenReadAsync(name, cancellationToken);

    public virtual Task<string?> TryWriteAsync(string name, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken) =>
        below.TryWriteAsync(name, content, condition, cancellationToken);

    public virtual Task<bool> TryWriteStreamAsync(
        string name, Func<Stream, CancellationToken, Task> write, WriteCondition condition, CancellationToken cancellationToken) =>
        below.TryWriteStreamAsync(name, write, condition, cancellationToken);

    public virtual Task<bool> ExistsAsync(string name, CancellationToken cancellationToken) => below.ExistsAsync(name, cancellationToken);

    public virtual Task DeleteAsync(string name, CancellationToken cancellationToken) => below.DeleteAsync(name, cancellationToken);

    public virtual IAsyncEnumerable<BlobInfo> ListAsync(string prefix, CancellationToken cancellationToken) => below.ListAsync(prefix, cancellationToken);

    public virtual Task<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken) => below.ReadClockAsync(cancellationToken);

    protected static bool IsHead(string name) => name.EndsWith("/head.json", StringComparison.Ordinal);

    protected static bool IsCheckpointManifest(string name) =>
        name.Contains("/checkpoints/", StringComparison.Ordinal) && name.EndsWith("/manifest.json", StringComparison.Ordinal);
}
