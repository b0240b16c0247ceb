namespace Ddm.Storage;

/// <summary>
/// Named, immutable-once-read byte strings: the only memory that outlives a process. A blob is visible whole or not at all, a write that was
/// acknowledged survives a crash, and conditional writes of one name are linearizable. Names: see <see cref="BlobName"/>.
/// Any call may throw after it took effect (a lost reply): callers that care read back.
/// </summary>
public interface IBlobStore
{
    /// <summary>Times in which it did not answer; null for a store that is on this machine.</summary>
    StoreOutages? Outages => null;

    /// <summary>The whole blob, for small ones; null when there is none.</summary>
    Task<BlobContent?> ReadAsync(string name, CancellationToken cancellationToken);

    /// <summary>
    /// A readable, seekable stream of the blob as it is now, whatever is written to the name later; null when there is none. A store that cannot keep a
    /// large blob which is replaced or deleted throws <see cref="IOException"/> when more of it is read: never bytes of two contents.
    /// </summary>
    Task<Stream?> OpenReadAsync(string name, CancellationToken cancellationToken);

    /// <summary>Writes a small blob if <paramref name="condition"/> holds.</summary>
    /// <returns>The ETag of what was written; null, and nothing changed, when the condition does not hold.</returns>
    Task<string?> TryWriteAsync(string name, ReadOnlyMemory<byte> content, WriteCondition condition, CancellationToken cancellationToken);

    /// <summary>
    /// Writes a blob of any size through <paramref name="write"/>, which may not be called at all when the condition fails at once. An exception in
    /// the writer, a full disk or a crash leaves the name as it was.
    /// </summary>
    /// <returns>Whether the condition held and the blob is now there.</returns>
    Task<bool> TryWriteStreamAsync(
        string name, Func<Stream, CancellationToken, Task> write, WriteCondition condition, CancellationToken cancellationToken);

    /// <summary>Whether the name holds a blob.</summary>
    Task<bool> ExistsAsync(string name, CancellationToken cancellationToken);

    /// <summary>Removes a blob; nothing happens when there is none.</summary>
    Task DeleteAsync(string name, CancellationToken cancellationToken);

    /// <summary>Blobs whose names start with <paramref name="prefix"/> (empty: all), in ordinal order of names.</summary>
    IAsyncEnumerable<BlobInfo> ListAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>
    /// The folders directly under <paramref name="folder"/> (empty, or with its final <c>/</c>) that hold a blob at any depth, without their own <c>/</c>, in ordinal
    /// order. Costs what there are folders; a store that has no such call lists the blobs.
    /// </summary>
    async Task<IReadOnlyList<string>> ListFoldersAsync(string folder, CancellationToken cancellationToken)
    {
        var folders = new SortedSet<string>(StringComparer.Ordinal);
        await foreach (var blob in ListAsync(BlobName.CheckFolder(folder), cancellationToken))
        {
            if (blob.Name.IndexOf('/', folder.Length) is var end and > 0)
            {
                folders.Add(blob.Name[folder.Length..end]);
            }
        }

        return [.. folders];
    }

    /// <summary>The store's own clock, the one that stamps <see cref="BlobInfo.LastModified"/>: ages are differences on this clock alone.</summary>
    Task<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken);
}
