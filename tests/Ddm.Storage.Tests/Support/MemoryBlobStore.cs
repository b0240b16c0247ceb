using System.Globalization;
using System.Runtime.CompilerServices;

namespace Ddm.Storage.Tests;

/// <summary>A store whose every call ends at once, for thousands of schedules; <see cref="FileBlobStore"/> has the same contract on a disk.</summary>
internal sealed class MemoryBlobStore : IBlobStore
{
    private readonly SortedDictionary<string, BlobContent> _blobs = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private long _writes;

    public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public Task<BlobContent?> ReadAsync(string name, CancellationToken cancellationToken) => Task.FromResult(Find(name));

    public Task<Stream?> OpenReadAsync(string name, CancellationToken cancellationToken) =>
        Task.FromResult<Stream?>(Find(name) is { } blob ? new MemoryStream(blob.Bytes, writable: false) : null);

    public Task<string?> TryWriteAsync(string name, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (!condition.HoldsFor(_blobs.GetValueOrDefault(BlobName.Check(name))?.ETag))
            {
                return Task.FromResult<string?>(null);
            }

            var etag = (++_writes).ToString(CultureInfo.InvariantCulture);
            _blobs[name] = new BlobContent(content.ToArray(), etag, Now);
            return Task.FromResult<string?>(etag);
        }
    }

    public async Task<bool> TryWriteStreamAsync(
        string name, Func<Stream, CancellationToken, Task> write, WriteCondition condition, CancellationToken cancellationToken)
    {
        if (condition.RequiresAbsent && Find(name) is not null)
        {
            return false;
        }

        using var buffer = new MemoryStream();
        await write(buffer, cancellationToken);
        return await TryWriteAsync(name, buffer.ToArray(), condition, cancellationToken) is not null;
    }

    public Task<bool> ExistsAsync(string name, CancellationToken cancellationToken) => Task.FromResult(Find(name) is not null);

    public Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _blobs.Remove(name);
        }

        return Task.CompletedTask;
    }

    public async IAsyncEnumerable<BlobInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        List<KeyValuePair<string, BlobContent>> found;
        lock (_gate)
        {
            found = [.. _blobs.Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal))];
        }

        foreach (var (name, blob) in found)
        {
            yield return new BlobInfo(name, blob.Bytes.Length, blob.LastModified);
        }
    }

    public Task<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken) => Task.FromResult(Now);

    private BlobContent? Find(string name)
    {
        lock (_gate)
        {
            return _blobs.GetValueOrDefault(name);
        }
    }
}
