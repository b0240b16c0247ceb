using System.Runtime.CompilerServices;

namespace Ddm.Storage.Tests;

/// <summary>Passes every call through one place, where a test can look on or interfere.</summary>
internal class InterceptedBlobStore(IBlobStore below) : IBlobStore
{
    public Task<BlobContent?> ReadAsync(string name, CancellationToken cancellationToken) =>
        InterceptAsync("read " + name, () => below.ReadAsync(name, cancellationToken), null, false);

    public Task<Stream?> OpenReadAsync(string name, CancellationToken cancellationToken) =>
        InterceptAsync("open " + name, () => below.OpenReadAsync(name, cancellationToken), null, false);

    public Task<string?> TryWriteAsync(string name, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken) =>
        InterceptAsync("write " + name, () => below.TryWriteAsync(name, content, condition, cancellationToken), null, condition != WriteCondition.Any);

    public Task<bool> TryWriteStreamAsync(
        string name, Func<Stream, CancellationToken, Task> write, WriteCondition condition, CancellationToken cancellationToken) =>
        InterceptAsync("stream " + name, () => below.TryWriteStreamAsync(name, write, condition, cancellationToken), false, condition != WriteCondition.Any);

    public Task<bool> ExistsAsync(string name, CancellationToken cancellationToken) =>
        InterceptAsync("exists " + name, () => below.ExistsAsync(name, cancellationToken), false, false);

    public Task DeleteAsync(string name, CancellationToken cancellationToken) =>
        InterceptAsync("delete " + name, () => DeleteBelowAsync(name, cancellationToken), false, false);

    public async IAsyncEnumerable<BlobInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var blobs = await InterceptAsync("list " + prefix, () => below.ListAsync(prefix, cancellationToken).ToListAsync(cancellationToken).AsTask(), [], false);
        foreach (var blob in blobs)
        {
            yield return blob;
        }
    }

    public Task<IReadOnlyList<string>> ListFoldersAsync(string folder, CancellationToken cancellationToken) =>
        InterceptAsync("folders " + folder, () => below.ListFoldersAsync(folder, cancellationToken), [], false);

    public Task<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken) =>
        InterceptAsync("clock", () => below.ReadClockAsync(cancellationToken), default, false);

    protected virtual Task<T> InterceptAsync<T>(string call, Func<Task<T>> run, T refused, bool conditional) => run();

    private async Task<bool> DeleteBelowAsync(string name, CancellationToken cancellationToken)
    {
        await below.DeleteAsync(name, cancellationToken);
        return true;
    }
}
