using System.Globalization;
using System.Runtime.CompilerServices;

namespace Ddm.Storage.Tests;

/// <summary>A store whose every call ends at once, for thousands of schedules; <see cref="FileBlobStore"/> has the same contract on a disk.</summary>
internal sealed class MemoryBlobStore : IBlobStore
{
    private readonly SortedDictionary<string, BlobContent> _blobs = new(StringComparer.Ordinal);
    private long _writes;

    public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public Task<BlobContent?> ReadAsync(string name, CancellationToken cancellationToken) => Task.FromResult(_blobs.GetValueOrDefault(name));

    public Task<Stream?> OpenReadAsync(string name, CancellationToken cancellationToken) =>
        Task.FromResult<Stream?>(_blobs.TryGetValue(name, out var blob) ? new MemoryStream(blob.Bytes, writable: false) : null);

    public Task<string?> TryWriteAsync(string name, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken)
    {
        if (!condition.HoldsFor(_blobs.GetValueOrDefault(BlobName.Check(name))?.ETag))
        {
            return Task.FromResult<string?>(null);
        }

        var etag = (++_writes).ToString(CultureInfo.InvariantCulture);
        _blobs[name] = new BlobContent(content.ToArray(), etag, Now);
        return Task.FromResult<string?>(etag);
    }

    public async Task<bool> TryWriteStreamAsync(
        string name, Func<Stream, CancellationToken, Task> write, WriteCondition condition, CancellationToken cancellationToken)
    {
        if (condition.RequiresAbsent && _blobs.ContainsKey(name))
        {
            return false;
        }

        using var buffer = new MemoryStream();
        await write(buffer, cancellationToken);
        return await TryWriteAsync(name, buffer.ToArray(), condition, cancellationToken) is not null;
    }

    public Task<bool> ExistsAsync(string name, CancellationToken cancellationToken) => Task.FromResult(_blobs.ContainsKey(name));

    public Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        _blobs.Remove(name);
        return Task.CompletedTask;
    }

    public async IAsyncEnumerable<BlobInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        foreach (var (name, blob) in _blobs.Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal)).ToList())
        {
            yield return new BlobInfo(name, blob.Bytes.Length, blob.LastModified);
        }
    }

    public Task<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken) => Task.FromResult(Now);
}
